"""The method in miniature: a small trilingual language of our own, its conversations and its test documents.

A sentence is a tree (``tree.py``) that can be said in English, German and Chinese and be edited, so that translations,
second turns and answers are known exactly. All words and rules are ours.
"""
