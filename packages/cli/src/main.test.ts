import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('main.ts', import.meta.url))

test('a reader that goes away early, as head does, is no failure', async t => {
  const child = spawn(process.execPath, ['--conditions=@preflow/source', main, 'verify', '--help'])
  t.after(() => child.kill())
  child.stdout.destroy()
  let said = ''
  child.stderr.setEncoding('utf8').on('data', text => {
    said += text
  })
  const [code] = await once(child, 'close')
  assert.equal(said, '')
  assert.equal(code, 0)
})
