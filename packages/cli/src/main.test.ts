import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { relative } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { commands } from './commands.ts'

const main = fileURLToPath(new URL('main.ts', import.meta.url))
const workspace = fileURLToPath(new URL('../../../', import.meta.url))

test('a reader that closes the pipe early, as head does, causes no error', async t => {
  const child = spawn(process.execPath, ['--conditions=@preflow/source', main, 'verify', '--help'])
  t.after(() => child.kill())
  child.stdout.destroy()
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', text => {
    errors += text
  })
  const [code] = await once(child, 'close')
  assert.equal(errors, '')
  assert.equal(code, 0)
})

/** Every file that Node loads for a command line, by its path from the root of the workspace. */
async function loadedBy(...argv: string[]): Promise<string[]> {
  const hook = `import { registerHooks } from 'node:module'
import { writeSync } from 'node:fs'
registerHooks({
  load(url, context, next) {
    writeSync(3, url + '\\n')
    return next(url, context)
  },
})`
  const child = spawn(
    process.execPath,
    [`--import=data:text/javascript,${encodeURIComponent(hook)}`, '--conditions=@preflow/source', main, ...argv],
    { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] },
  )
  let urls = ''
  for await (const chunk of child.stdio[3] as NodeJS.ReadableStream) urls += chunk
  return urls
    .split('\n')
    .filter(url => url.startsWith('file:'))
    .map(url => relative(workspace, fileURLToPath(url)))
}

const isOfCli = (file: string) => file.startsWith('packages/cli/src/')
const isProgram = (file: string) => file.startsWith('packages/cli/src/commands/')

test('help and --version load no server, no other package and no command', async () => {
  for (const argv of [[], ['help'], ['--help'], ['--version']]) {
    const loaded = await loadedBy(...argv)
    assert.ok(loaded.includes('packages/cli/src/run.ts'))
    assert.deepEqual(
      loaded.filter(file => !isOfCli(file) || isProgram(file)),
      [],
      argv.join(' '),
    )
  }
})

test('the help of a command does not load its program, and a command loads no other program', async () => {
  for (const name of Object.keys(commands)) {
    const loaded = await loadedBy('help', name)
    assert.deepEqual(
      loaded.filter(file => isProgram(file) || file.startsWith('packages/server/')),
      [],
      name,
    )
  }
  const loaded = await loadedBy('passwords', 'check')
  assert.deepEqual(loaded.filter(isProgram), ['packages/cli/src/commands/passwords.ts'])
})
