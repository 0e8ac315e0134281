import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
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

test('a program that asked for JSON gets JSON when something is wrong, and a person the sentence', async () => {
  for (const [argv, code, message] of [
    [['trigger', 'foo', '--to', 'http://127.0.0.1:1/', '--json'], 2, /^foo: is no action type\./],
    [['passwords', 'check', '/nowhere', '--json'], 1, /nowhere/],
  ] as const) {
    const written = io()
    assert.equal(await run([...argv], written), code)
    assert.match(JSON.parse(written.said.out).error, message)
    assert.match(written.said.err, new RegExp(`^preflow ${argv[0]}: `))
  }
})

test('a shell completes commands and options', {
  skip: spawnSync('bash', ['-c', ':']).error && 'no bash here',
}, async () => {
  const written = io()
  assert.equal(await run(['completion', 'bash'], written), 0)
  const completed = (line: string) => {
    const words = line.split(' ')
    const script = `${written.said.out}
COMP_WORDS=(${words.map(word => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}
_preflow; printf '%s\\n' "\${COMPREPLY[@]}"`
    return spawnSync('bash', ['-c', script], { encoding: 'utf8' }).stdout.split('\n').filter(Boolean)
  }
  assert.deepEqual(completed('preflow ver'), ['verify'])
  assert.deepEqual(completed('preflow verify --ju'), ['--junit'])
  assert.deepEqual(completed('preflow help tri'), ['trigger'])
  assert.equal(await run(['completion', 'csh'], io()), 2)
  const fish = io()
  await run(['completion', 'fish'], fish)
  assert.match(fish.said.out, /^complete -c preflow -n __fish_use_subcommand -a lab -d 'Run the identity server /)
})
