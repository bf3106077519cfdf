#!/bin/sh
# Starts one broker: NODE_ID is its number, its name is kafka-NODE_ID. The first start formats the data folder with the
# administrator as the only user; set-up.sh adds the others.
set -eu
umask 077
home=${KAFKA_HOME:-/opt/kafka}
secrets=${SECRETS_DIR:-/run/secrets}
settings=${KAFKA_SETTINGS:-/etc/sever/kafka/server.properties}
name=kafka-${NODE_ID:?}

properties=$(mktemp)
{
  cat "$settings"
  echo "node.id=$NODE_ID"
  echo "advertised.listeners=${ADVERTISED_LISTENERS:-CLIENT://$name:9092,INTERNAL://$name:9091}"
} >"$properties"

# Through a file: everybody in this container can read a command line. What the tool prints has hashes of the password.
admin=$(mktemp)
printf -- '--add-scram\nSCRAM-SHA-512=[name=admin,password=%s]' "$(cat "$secrets/kafka-admin-password")" >"$admin"
"$home/bin/kafka-storage.sh" format --ignore-formatted --config "$properties" \
  --cluster-id "$(cat "$secrets/kafka-cluster-id")" "@$admin" >/dev/null
rm "$admin"
exec "$home/bin/kafka-server-start.sh" "$properties"
