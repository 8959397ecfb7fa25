#!/usr/bin/env bash
# openssl_speed.sh ALGORITHM verify|sign COUNT: the milliseconds that `openssl speed` needs for COUNT operations of rsa3072,
# ecdsap256 or ed25519 on one core.
set -euo pipefail
openssl speed -mr -seconds 2 "$1" 2>/dev/null | awk -F: -v op="$2" -v count="$3" '
	# +F2 (RSA), +F4 (ECDSA), +F6 (EdDSA): …, signatures a second, verifications a second
	/^\+F[246]:/ { rate = op == "verify" ? $NF : $(NF - 1) }
	END { if (rate > 0) printf "%.3f", count / rate * 1000; else exit 1 }'
