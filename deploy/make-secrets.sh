#!/bin/sh
# Makes the secrets of compose.yaml at its first `up` and keeps them: a database knows only the password it was made
# with, and a new key would log everybody out.
#
#   make-secrets.sh SECRETS DATABASE
#
# SECRETS is the folder that keeps them, DATABASE the one with the data of PostgreSQL. POSTGRES_PASSWORD and
# SHOP_SECRET_KEY are kept if they are set at the first run, and must not differ from what is kept later on.
set -eu
umask 077
secrets=$1 database=$2

refuse() {
  echo "make-secrets: $1" >&2
  exit 1
}

# random: 64 hexadecimal digits
random() {
  od -An -v -N32 -tx1 /dev/urandom | tr -d ' \n'
}

# keep FILE OWNER VARIABLE VALUE: whole or not at all, as it is written under another name first
keep() {
  if [ ! -s "$secrets/$1" ]; then
    printf %s "${4:-$(random)}" > "$secrets/$1.new"
    mv "$secrets/$1.new" "$secrets/$1"
  elif [ -n "$4" ] && [ "$4" != "$(cat "$secrets/$1")" ]; then
    refuse "$3 differs from $secrets/$1, which this installation was made with: unset it, or replace that file"
  fi
  if [ "$(id -u)" = 0 ]; then chown "$2" "$secrets/$1"; fi
}

case ${POSTGRES_PASSWORD:-} in
  *[!A-Za-z0-9]*) refuse "POSTGRES_PASSWORD becomes a part of a URL: use letters and digits only, or leave it out" ;;
esac
if [ ! -s "$secrets/postgres_password" ] && [ -z "${POSTGRES_PASSWORD:-}" ] \
  && [ -n "$(find "$database" -name PG_VERSION 2>/dev/null | head -n 1)" ]; then
  refuse "this database was made with a password that is not kept yet: set POSTGRES_PASSWORD to it once"
fi

keep postgres_password 999 POSTGRES_PASSWORD "${POSTGRES_PASSWORD:-}" # 999: postgres in the image of PostgreSQL
keep secret_key 10001 SHOP_SECRET_KEY "${SHOP_SECRET_KEY:-}"          # 10001: shop in Dockerfile
keep database_url 10001 "the database's URL" \
  "postgresql://shop:$(cat "$secrets/postgres_password")@database:5432/shop"
