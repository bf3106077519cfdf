#!/bin/bash
# Gives the brokers every user that has a password in the secrets folder (kafka-USER-password), or that user its new password.
# Topics and what each user may do are the business of "sever setup".
set -euo pipefail
umask 077
home=${KAFKA_HOME:-/opt/kafka}
secrets=${SECRETS_DIR:-/run/secrets}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/admin.properties" <<PROPERTIES
security.protocol=SASL_SSL
sasl.mechanism=SCRAM-SHA-512
sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username="admin" password="$(cat "$secrets/kafka-admin-password")";
ssl.truststore.type=PEM
ssl.truststore.location=$secrets/kafka-ca.pem
PROPERTIES

for file in "$secrets"/kafka-*-password; do
  user=$(basename "$file")
  user=${user#kafka-}
  user=${user%-password}
  [ "$user" != admin ] || continue
  # Through a file: everybody in this container can read a command line.
  echo "SCRAM-SHA-512=password=$(cat "$file")" >"$work/user.properties"
  "$home/bin/kafka-configs.sh" --bootstrap-server "${KAFKA_BROKERS:?}" --command-config "$work/admin.properties" \
    --alter --entity-type users --entity-name "$user" --add-config-file "$work/user.properties"
done
