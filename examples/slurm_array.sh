#!/usr/bin/env bash
# One evaluation on several GPUs or nodes: a Slurm array whose tasks share nothing but the run folder.
#
#   bayling-bench fetch paper                        # once, where there is a network; the cache must be seen by all nodes
#   sbatch examples/slurm_array.sh --model ./my-model --tasks paper --output runs/my-model
#   sbatch --array=0-15 examples/slurm_array.sh …    # any number of tasks, numbered from 0
#
# The last task to end writes the scores and the report. Killed, out of time or preempted: submit the same line again,
# with any number of tasks. What is finished is not asked again, and the scores are those of one undisturbed process.
# Each task keeps a journal of its own, so any of them may fail alone; `bayling-bench score runs/my-model` scores what is
# there. An explicit --output must lie on a file system that all nodes see.

#SBATCH --job-name=bayling-bench
#SBATCH --array=0-3
#SBATCH --gpus-per-task=1
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=8
#SBATCH --mem=64G
#SBATCH --time=08:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=slurm-%x-%A_%a.log

set -euo pipefail

: "${SLURM_ARRAY_TASK_ID:?this is a Slurm array script: sbatch examples/slurm_array.sh --model MODEL --tasks NAMES --output DIR}"
if ((SLURM_ARRAY_TASK_ID >= SLURM_ARRAY_TASK_COUNT)); then
  echo "number the array from 0 without gaps, for example sbatch --array=0-$((SLURM_ARRAY_TASK_COUNT - 1))" >&2
  exit 2
fi

if [[ -f .venv/bin/activate ]]; then # the environment that `make run` makes; else one must be active already
  source .venv/bin/activate
fi
export OMP_NUM_THREADS="${SLURM_CPUS_PER_TASK:-1}"
export HF_HUB_OFFLINE="${HF_HUB_OFFLINE:-1}" # compute nodes seldom have a network: download hub models beforehand

exec bayling-bench run "$@" --shard "$((SLURM_ARRAY_TASK_ID + 1))/$SLURM_ARRAY_TASK_COUNT"
