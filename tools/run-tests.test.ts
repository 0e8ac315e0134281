import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { suite, type TestContext, test } from 'node:test'

const IMPORTS = `import { after, before, beforeEach, test } from 'node:test'\n`

/** Runs files with this content with the runner. */
async function run(t: TestContext, files: Record<string, string>): Promise<{ code: number; output: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'preflow-run-'))
  t.after(() => rmSync(folder, { recursive: true }))
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), IMPORTS + content)
  // The runner must not treat itself as a test file of this run.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const child = spawn(process.execPath, [join(import.meta.dirname, 'run-tests.ts'), join(folder, '*.mjs')], {
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')])
  return { code, output }
}

const counted = (output: string, what: string) => new RegExp(`^ℹ ${what} (\\d+)$`, 'm').exec(output)?.[1]

suite('the test runner', { concurrency: 2 }, () => {
  test('runs every file once, and ends with the summary', async t => {
    const names = Array.from({ length: 12 }, (_, index) => `file-${index}`)
    const { code, output } = await run(
      t,
      Object.fromEntries(names.map(name => [`${name}.mjs`, `test('the test of ${name}.', () => {})`])),
    )
    assert.equal(code, 0, output)
    for (const name of names) assert.equal(output.split(`✔ the test of ${name}.`).length, 2)
    // Node counts a process without tests as one: a lane that found the queue empty.
    const count = Number(counted(output, 'tests'))
    assert.ok(count >= names.length && count < 2 * names.length, String(count))
    assert.match(output, /^ℹ duration_ms [\d.]+\n$/m)
  })

  test('hooks of a file apply only to its own tests', async t => {
    const { code, output } = await run(t, {
      'a.mjs': `let isOpen = false
        before(() => { isOpen = true })
        beforeEach(() => { if (globalThis.other) throw new Error('a hook reached another file') })
        after(() => { globalThis.other = true })
        test('in between', () => { if (!isOpen) throw new Error() })`,
      ...Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`${index}.mjs`, `test('another', () => {})`])),
    })
    assert.equal(code, 0, output)
  })

  for (const [what, content, shown] of [
    ['a test that fails', `test('it', () => { throw new Error('wrong') })`, /✖ it/],
    ['a console call', `test('it', () => console.log('hello'))`, /console\.log in a test run: hello/],
    ['a file that cannot be loaded', `throw new Error('not loadable')`, /not loadable/],
    ['a file that ends its process', `test('it', () => process.exit(0))`, /Not run to the end: .*bad\.mjs/],
  ] as const) {
    test(`${what} fails the run, and the other files still run`, async t => {
      const { code, output } = await run(t, {
        'bad.mjs': content,
        'good.mjs': `test('a good one', () => {})`,
      })
      assert.equal(code, 1, output)
      assert.match(output, shown)
      assert.match(output, /✔ a good one/)
    })
  }

  test('a pattern without a file fails the run', async t => {
    assert.equal((await run(t, {})).code, 1)
  })
})
