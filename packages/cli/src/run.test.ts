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

test('a word that is nearly one is suggested, for commands and for options', async () => {
  for (const [argv, said] of [
    [['verfy'], 'preflow: no command called verfy. Did you mean verify?'],
    [['help', 'trigerr'], 'preflow: no command called trigerr. Did you mean trigger?'],
    [['verify', 'http://127.0.0.1:1/', '--jsn'], 'preflow verify: There is no option --jsn. Did you mean --json?'],
    [['trigger', '--gran', 'password'], 'preflow trigger: There is no option --gran. Did you mean --grant?'],
    [['new', 'guard', '--polcy', 'country'], 'preflow new: There is no option --polcy. Did you mean --policy?'],
    [['passwords', '-x'], 'preflow passwords: There is no option -x.'],
    [['lab', '--port', '1'], 'preflow lab: There is no option --port.'],
  ] as const) {
    const words = io()
    assert.equal(await run([...argv], words), 2)
    assert.equal(words.said.out, '')
    assert.equal(words.said.err.split('\n')[0], said)
  }
})

test('a word that is off is answered in a line, and a command without words with its usage', async () => {
  const off = io()
  assert.equal(await run(['verify', 'nowhere'], off), 2)
  assert.doesNotMatch(off.said.err, /Usage:/)
  assert.match(off.said.err, /\nRun `preflow help verify` for its options\.\n$/)
  const none = io()
  assert.equal(await run(['verify'], none), 2)
  assert.match(none.said.err, /\nUsage: preflow verify/)
})

test('a command that is stopped says so and ends as shells expect', async () => {
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    const words = io()
    assert.equal(await run(['verify', 'http://127.0.0.1:1/'], { ...words, signal: AbortSignal.abort(signal) }), code)
    assert.equal(words.said.err, 'Stopped.\n')
  }
})

test('the version is that of the package', async () => {
  const words = io()
  assert.equal(await run(['--version'], words), 0)
  assert.match(words.said.out, /^\d+\.\d+\.\d+\n$/)
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
