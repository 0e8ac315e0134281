import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { runNew } from '../commands/new.ts'
import { workspace } from './built-project.fixture.ts'
import { startOnNode } from './runtimes/node.fixture.ts'
import { scenarios } from './scenarios.fixture.ts'
import { callerEnv, platformCall } from './targets.cases.ts'
import { vendorPackages } from './vendor.ts'

const run = promisify(execFile)
const ignore = () => undefined
const io = { out: ignore, err: ignore, isTTY: false, env: {}, signal: new AbortController().signal }

test('a project with vendored packages works with what npm would publish', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'preflow-packed-'))
  t.after(() => rm(folder, { recursive: true }))
  const argv = ['packed-guard', '--extension', 'password-guard', '--target', 'node', '--dir', folder]
  // Vendoring is the default here: nothing is published from the workspace.
  assert.equal(await runNew(argv, io), 0)
  await install(folder)

  const env = { PATH: `${join(workspace, 'node_modules', '.bin')}:${process.env['PATH']}` }
  const { scripts } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as {
    scripts: Record<'test' | 'check' | 'build', string>
  }
  for (const script of [scripts.test, scripts.check, scripts.build]) {
    await run('sh', ['-c', script], { cwd: folder, env }).catch(({ stdout, message }) => assert.fail(stdout || message))
  }
  const scenario = await (scenarios['password-guard'] as NonNullable<(typeof scenarios)[string]>)()
  const running = await startOnNode(folder, 'PASSWORD_GUARD', { ...callerEnv('PASSWORD_GUARD'), ...scenario.env })
  const answer = await running.ways['http']?.(platformCall(JSON.stringify(scenario.denied.request)))
  assert.equal(JSON.parse(answer?.body ?? '').failureReason, 'password_compromised')
  assert.equal(await running.stop(), 0)
})

test('after a failure nothing remains that would block the next try', async t => {
  const root = await mkdtemp(join(tmpdir(), 'preflow-packed-'))
  t.after(() => rm(root, { recursive: true }))
  const path = process.env['PATH']
  process.env['PATH'] = root
  t.after(() => {
    process.env['PATH'] = path
  })
  const known = join(root, 'known')
  await mkdir(known)
  for (const folder of [join(root, 'new', 'guard'), known]) {
    const argv = ['guard', '--extension', 'scope-limiter', '--target', 'node', '--dir', folder, '--vendor']
    await assert.rejects(runNew(argv, io), /npm was not found.* or use --registry\./)
  }
  assert.deepEqual(await readdir(root), ['known'])
  assert.deepEqual(await readdir(known), [])
})

test('a package that is not installed beside preflow is reported with advice', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'preflow-packed-'))
  t.after(() => rm(folder, { recursive: true }))
  await assert.rejects(
    vendorPackages(['@preflow/moon'], folder),
    /@preflow\/moon is not installed .* or use --registry\./,
  )
})

/** Like `npm install` without a registry: unpacks the archives and links everything else from the workspace. */
async function install(folder: string): Promise<void> {
  const modules = join(folder, 'node_modules')
  const { dependencies } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>
  }
  for (const [name, from] of Object.entries(dependencies)) {
    await mkdir(join(modules, name), { recursive: true })
    const archive = join(folder, from.replace(/^file:/, ''))
    await run('tar', ['-xzf', archive, '--strip-components=1', '-C', join(modules, name)])
  }
  for (const name of await otherPackages()) {
    await mkdir(dirname(join(modules, name)), { recursive: true })
    await symlink(join(workspace, 'node_modules', name), join(modules, name))
  }
}

async function otherPackages(): Promise<string[]> {
  const modules = join(workspace, 'node_modules')
  const names = (await readdir(modules)).filter(name => !name.startsWith('.') && name !== '@preflow')
  const nested = names.filter(name => name.startsWith('@'))
  const inScopes = await Promise.all(
    nested.map(async scope => (await readdir(join(modules, scope))).map(name => `${scope}/${name}`)),
  )
  return [...names.filter(name => !name.startsWith('@')), ...inScopes.flat()]
}
