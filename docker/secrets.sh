#!/bin/sh
# Writes the secrets that compose.yaml reads, once, readable by their owner alone. What is there already stays.
set -eu
folder=${FRONTIER_SECRETS:-$(dirname "$0")/secrets}
umask 077
mkdir -p "$folder"

secret() {
  [ -s "$folder/$1" ] || od -An -N32 -tx1 /dev/urandom | tr -d ' \n' >"$folder/$1"
}

secret browse_token
secret ray_token
secret postgres_password
secret minio_password
printf 'postgres:5432:frontier:frontier:%s\n' "$(cat "$folder/postgres_password")" >"$folder/postgres_passfile"
echo "secrets are in $folder"
