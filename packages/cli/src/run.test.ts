import assert from 'node:assert/strict'
import { test } from 'node:test'
import { run } from './run.ts'

function io() {
  const said = { out: '', err: '' }
  return {
    said,
    out(text: string) {
      said.out += text
    },
    err(text: string) {
      said.err += text
    },
    isTTY: false,
    env: {},
    signal: new AbortController().signal,
  }
}

test('without a word the commands are listed and the exit code says that something is missing', async () => {
  const words = io()
  assert.equal(await run([], words), 2)
  assert.match(words.said.out, /^Usage: preflow <command>[\s\S]*\n {2}lab /)
})

test('an unknown command is named, and the known ones follow', async () => {
  const words = io()
  assert.equal(await run(['labb'], words), 2)
  assert.match(words.said.err, /no command called labb[\s\S]*\n {2}lab /)
})

test('help for a command is its usage', async () => {
  for (const argv of [
    ['help', 'lab'],
    ['lab', '--help'],
  ]) {
    const words = io()
    assert.equal(await run(argv, words), 0)
    assert.match(words.said.out, /^Usage: preflow lab/)
  }
})

test('a setting that cannot be is refused with a sentence and exit code 1', async () => {
  const words = io()
  assert.equal(await run(['lab'], { ...words, env: { PREFLOW_PORT: 'nine' } }), 1)
  assert.match(words.said.err, /PREFLOW_PORT: must be a whole number/)
})
