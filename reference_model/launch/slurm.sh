#!/usr/bin/env bash
#SBATCH --job-name=bayling-model
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=8
#SBATCH --cpus-per-task=32
#SBATCH --time=24:00:00
#SBATCH --signal=TERM@300
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=%x-%j.log
# One training over the nodes of a Slurm job. Data and run must lie on a file system that all nodes share.
#
#   sbatch --nodes 2 reference_model/launch/slurm.sh bayling_7b data runs/bayling_7b [--set TABLE.KEY=VALUE …]
#
# Five minutes before the end Slurm sends SIGTERM; training then ends its step and writes a checkpoint, for which torchrun
# leaves it 30 seconds: a larger model counts on running.checkpoint_every instead. Submitted again, or requeued, the same
# command goes on from the last checkpoint, or begins again where there is none yet. PYTHON names the interpreter, if not python3.
set -euo pipefail
config=${1:?settings} data=${2:?folder of data} run=${3:?folder of the run}
shift 3
if [[ -s "$run/metrics.jsonl" ]] || compgen -G "$run/checkpoints/step-*" >/dev/null; then
  arguments=(--resume "$run" --data "$data" "$@")
else
  arguments=("$config" --data "$data" -o "$run" "$@")
fi
MASTER=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
export MASTER NODES=$SLURM_NNODES PORT=$((20000 + SLURM_JOB_ID % 20000))
launch="${BAYLING_LAUNCH:-$("${PYTHON:-python3}" -c 'import reference_model; print(reference_model.__path__[0])')/launch}"
srun --kill-on-bad-exit=1 bash -c 'RANK_OF_NODE=$SLURM_NODEID exec "$0" "$@"' "$launch/multi_node.sh" "${arguments[@]}"
