import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'

const root = join(import.meta.dirname, '..')

/** The blocks of one language in the README, in order; optionally only those below a heading. */
function blocks(language: string, heading?: string): string[] {
  const readme = readFileSync(join(root, 'README.md'), 'utf8')
  const part =
    heading === undefined ? readme : (readme.split(/^## /m).find(section => section.startsWith(heading)) ?? '')
  return [...part.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, code = '']) => code)
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

test('the first extension of the README runs as pasted, logs its decisions, and follows the contract', async () => {
  const [program = ''] = blocks('ts')
  const [start = '', check = ''] = blocks('sh', 'Run your extension')
  assert.match(start, /first\.ts &\n$/)
  assert.match(check, / trigger /)
  assert.match(check, / verify /)
  const file = join(root, 'tools', `.first-${process.pid}.ts`)
  const port = String(await freePort())
  writeFileSync(file, program.replaceAll('8080', port))
  const script = [
    'set -e',
    // A shell that reads a file does not stop the processes it has started.
    `${start.trimEnd()}\ntrap "kill $!" EXIT`,
    `until curl -s -o /dev/null http://127.0.0.1:8080/livez; do sleep 0.1; done`,
    check,
  ].join('\n')
  try {
    const pasted = script.replaceAll('8080', port).replaceAll('first.ts', `tools/.first-${process.pid}.ts`)
    const { stdout, stderr } = await promisify(execFile)('sh', ['-c', pasted], { cwd: root, maxBuffer: 1e7 })
    assert.match(stdout, /400 access_denied "Use the sign-in page\."/)
    assert.match(stdout, /checks passed, 0 failed/)
    assert.match(stderr, new RegExp(`^listening at http://127\\.0\\.0\\.1:${port}$`, 'm'))
    assert.match(stderr, /^PRE_ISSUE_ACCESS_TOKEN: deny access_denied, in [\d.]+ ms$/m)
  } finally {
    rmSync(file)
  }
})
