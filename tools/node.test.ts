import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'

const folder = mkdtempSync(join(tmpdir(), 'preflow-node-'))
after(() => rmSync(folder, { recursive: true }))

/** The path of a shell without npm: only the system's programs. */
const PATH = '/usr/bin:/bin'

test('the workspace runs on its own Node, without a link by npm', {
  skip: process.platform !== 'linux' && 'the workspace has its own Node only on Linux',
}, () => {
  const script = 'process.stdout.write(process.version + " " + require("node:child_process").execSync("node -v"))'
  const { stdout, stderr } = spawnSync('sh', [join(import.meta.dirname, 'node.sh'), '-e', script], {
    env: { PATH },
    encoding: 'utf8',
  })
  const [own = '', found = ''] = stdout.trim().split(' ')
  assert.match(own, /^v24\./, stderr)
  assert.equal(found, own, 'processes that it starts find the same one')
})

test('without its own Node, a new enough one of the system is used with a cache, and an old one is refused', () => {
  mkdirSync(join(folder, 'tools'))
  const launcher = join(folder, 'tools/node.sh')
  copyFileSync(join(import.meta.dirname, 'node.sh'), launcher)
  const start = (systemMajor: number, env: Record<string, string> = {}) => {
    // Replaces the system's node: a script asks for its version, then starts it.
    writeFileSync(
      join(folder, 'node'),
      `#!/bin/sh\n[ "$1" = -e ] && exit ${systemMajor < 24 ? 1 : 0}\necho "ran $*, cache $NODE_COMPILE_CACHE"\n`,
      {
        mode: 0o755,
      },
    )
    return spawnSync('sh', [launcher, 'first.ts'], {
      env: { PATH: `${folder}:${PATH}`, ...env },
      encoding: 'utf8',
    })
  }
  const cache = join(folder, 'node_modules/.cache/node')
  assert.equal(start(24).stdout, `ran --conditions=@preflow/source first.ts, cache ${cache}\n`)
  assert.match(start(24, { NODE_COMPILE_CACHE: '/own/cache' }).stdout, /, cache \/own\/cache\n$/)
  const old = start(20)
  assert.equal(old.status, 1)
  assert.match(old.stderr, /^Preflow runs on Node 24\. .*npm ci installs it\. Elsewhere install it and try again\.\n$/)
})
