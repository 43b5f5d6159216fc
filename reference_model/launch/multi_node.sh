#!/usr/bin/env bash
# One training over several machines, by hand. The folders of data and run must be shared by all of them.
# Run this on every machine, with RANK_OF_NODE from 0 and MASTER the address of machine 0:
#
#   NODES=2 RANK_OF_NODE=0 MASTER=node0 reference_model/launch/multi_node.sh bayling_7b --data data -o runs/bayling_7b
#   NODES=2 RANK_OF_NODE=1 MASTER=node0 reference_model/launch/multi_node.sh bayling_7b --data data -o runs/bayling_7b
#
# What follows is given to `bayling-model train`. PER_NODE: processes a machine, by default one a GPU.
set -euo pipefail
: "${NODES:?number of machines}" "${RANK_OF_NODE:?number of this machine, from 0}" "${MASTER:?address of machine 0}"
exec "${PYTHON:-python3}" -m torch.distributed.run \
  --nnodes "$NODES" --node-rank "$RANK_OF_NODE" --nproc-per-node "${PER_NODE:-gpu}" \
  --master-addr "$MASTER" --master-port "${PORT:-29500}" \
  -m reference_model.cli train "$@"
