import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { run } from './run.ts'

function io() {
  const output = { out: '', err: '' }
  return {
    output,
    out(text: string) {
      output.out += text
    },
    err(text: string) {
      output.err += text
    },
    isTTY: false,
    env: {},
    signal: new AbortController().signal,
  }
}

test('without arguments the commands are listed and the exit code is 2', async () => {
  const words = io()
  assert.equal(await run([], words), 2)
  assert.match(words.output.out, /^Usage: preflow <command>[\s\S]*\n {2}lab /)
})

test('an unknown command is quoted, followed by the known ones', async () => {
  const words = io()
  assert.equal(await run(['labb'], words), 2)
  assert.match(words.output.err, /unknown command labb[\s\S]*\n {2}lab /)
})

test('a misspelt command or option gets a suggestion', async () => {
  for (const [argv, output] of [
    [['verfy'], 'preflow: unknown command verfy. Did you mean verify?'],
    [['help', 'trigerr'], 'preflow: unknown command trigerr. Did you mean trigger?'],
    [['verify', 'http://127.0.0.1:1/', '--jsn'], 'preflow verify: Unknown option --jsn. Did you mean --json?'],
    [['trigger', '--gran', 'password'], 'preflow trigger: Unknown option --gran. Did you mean --grant?'],
    [['new', 'guard', '--polcy', 'country'], 'preflow new: Unknown option --polcy. Did you mean --policy?'],
    [['passwords', '-x'], 'preflow passwords: Unknown option -x.'],
    [['lab', '--port', '1'], 'preflow lab: Unknown option --port.'],
  ] as const) {
    const words = io()
    assert.equal(await run([...argv], words), 2)
    assert.equal(words.output.out, '')
    assert.equal(words.output.err.split('\n')[0], output)
  }
})

test('a usage error is one line, and a command without arguments shows its usage', async () => {
  const wrong = io()
  assert.equal(await run(['verify', 'nowhere'], wrong), 2)
  assert.doesNotMatch(wrong.output.err, /Usage:/)
  assert.match(wrong.output.err, /\nRun `preflow help verify` for its options\.\n$/)
  const none = io()
  assert.equal(await run(['verify'], none), 2)
  assert.match(none.output.err, /\nUsage: preflow verify/)
})

test('a stopped command reports it and exits with the code that shells expect', async () => {
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    const words = io()
    assert.equal(await run(['verify', 'http://127.0.0.1:1/'], { ...words, signal: AbortSignal.abort(signal) }), code)
    assert.equal(words.output.err, 'Stopped.\n')
  }
})

test('--version prints the version of the package', async () => {
  const words = io()
  assert.equal(await run(['--version'], words), 0)
  assert.match(words.output.out, /^\d+\.\d+\.\d+\n$/)
})

test('help for a command prints its usage', async () => {
  for (const argv of [
    ['help', 'lab'],
    ['lab', '--help'],
  ]) {
    const words = io()
    assert.equal(await run(argv, words), 0)
    assert.match(words.output.out, /^Usage: preflow lab/)
  }
})

test('an invalid setting is refused with a message and exit code 1', async () => {
  const words = io()
  assert.equal(await run(['lab'], { ...words, env: { PREFLOW_PORT: 'nine' } }), 1)
  assert.match(words.output.err, /PREFLOW_PORT: must be a whole number/)
})

test('with --json an error is a JSON document on stdout and a message on stderr', async () => {
  for (const [argv, code, message] of [
    [['trigger', 'foo', '--to', 'http://127.0.0.1:1/', '--json'], 2, /^foo: unknown action type\./],
    [['passwords', 'check', '/nowhere', '--json'], 1, /nowhere/],
  ] as const) {
    const written = io()
    assert.equal(await run([...argv], written), code)
    assert.match(JSON.parse(written.output.out).error, message)
    assert.match(written.output.err, new RegExp(`^preflow ${argv[0]}: `))
  }
})

test('a shell completes commands and options', {
  skip: spawnSync('bash', ['-c', ':']).error && 'no bash here',
}, async () => {
  const written = io()
  assert.equal(await run(['completion', 'bash'], written), 0)
  const completed = (line: string) => {
    const words = line.split(' ')
    const script = `${written.output.out}
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
  assert.match(fish.output.out, /^complete -c preflow -n __fish_use_subcommand -a lab -d 'Run the identity server /)
})
