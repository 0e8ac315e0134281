import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'

const folder = mkdtempSync(join(tmpdir(), 'preflow-node-'))
after(() => rmSync(folder, { recursive: true }))

/** What a shell finds without npm: only what the system has. */
const PATH = '/usr/bin:/bin'

test('the workspace runs on its own Node, without a link by npm', {
  skip: process.platform !== 'linux' && 'only for Linux is one brought along',
}, () => {
  const script = 'process.stdout.write(process.version + " " + require("node:child_process").execSync("node -v"))'
  const { stdout, stderr } = spawnSync('sh', [join(import.meta.dirname, 'node.sh'), '-e', script], {
    env: { PATH },
    encoding: 'utf8',
  })
  const [own = '', found = ''] = stdout.trim().split(' ')
  assert.match(own, /^v24\./, stderr)
  assert.equal(found, own, 'what is started from there finds the same one')
})

test('where none is brought, a new enough one of the system is used, with a cache, and an old one refused', () => {
  mkdirSync(join(folder, 'tools'))
  const launcher = join(folder, 'tools/node.sh')
  copyFileSync(join(import.meta.dirname, 'node.sh'), launcher)
  const start = (systemMajor: number, env: Record<string, string> = {}) => {
    // Stands in for the system's node: it is asked for its version by a script, and then to run something.
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
  assert.match(old.stderr, /^Preflow runs on Node 24\. .*npm ci brings it; elsewhere install it and try again\.\n$/)
})
