import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { type CatalogEntry, catalog } from '@preflow/policies'
import { SOURCE_CONDITION, workspace } from './built-project.fixture.ts'
import type { Content } from './content.ts'
import { extensionContent, readyMade } from './extensions.ts'
import { policiesContent } from './policies.ts'
import { type Port, ports } from './ports.ts'
import { projectFiles } from './project.ts'
import { type TargetName, targets } from './targets.ts'
import { preflowVersion, versions } from './versions.ts'

const run = promisify(execFile)
const policyNames = catalog.map(({ name }) => name)

/** Each extension, each policy alone, all policies together, and every target at least once. */
const projects: Record<string, { content: Content; target: TargetName }> = {}
const targetNames = Object.keys(targets) as TargetName[]
for (const [index, extension] of Object.keys(readyMade).entries()) {
  for (const target of ['lambda', targetNames[index % targetNames.length] as TargetName]) {
    projects[`${extension}-${target}`] = { content: extensionContent(extension), target: target as TargetName }
  }
}
for (const policy of policyNames) {
  const name = `with-${policy.toLowerCase()}`
  projects[name] = { content: policiesContent(name, [policy]), target: 'node' }
}
projects['with-all'] = { content: policiesContent('with-all', policyNames), target: 'vercel' }

let root: string
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'preflow-projects-'))
  await symlink(join(workspace, 'node_modules'), join(root, 'node_modules'))
  for (const [name, { content, target }] of Object.entries(projects)) {
    for (const [path, text] of Object.entries(filesOf(name, content, target))) {
      await mkdir(dirname(join(root, name, path)), { recursive: true })
      await writeFile(join(root, name, path), text)
    }
  }
})
after(() => rm(root, { recursive: true }))

function filesOf(name: string, content: Content, target: TargetName): Record<string, string> {
  const packages = Object.fromEntries(content.packages.map(packageName => [packageName, preflowVersion()]))
  return projectFiles({ name, target, content, packages, randomHex: bytes => 'ab'.repeat(bytes) })
}

/** Runs a program of the workspace in the folder of all projects. */
async function inRoot(program: string, ...argv: string[]): Promise<string> {
  const env = { ...process.env, NODE_OPTIONS: `--conditions=${SOURCE_CONDITION}`, NODE_TEST_CONTEXT: undefined }
  try {
    return (await run(program, argv, { cwd: root, env, maxBuffer: 1e8 })).stdout
  } catch (error) {
    throw new Error((error as { stdout: string }).stdout || String(error))
  }
}

const bin = (name: string) => join(workspace, 'node_modules', '.bin', name)

test('every project passes its own tests', async () => {
  const output = await inRoot(
    process.execPath,
    '--test',
    '--test-isolation=none',
    '--test-reporter=tap',
    '*/src/**/*.test.ts',
  )
  const passed = Number(/^# pass (\d+)$/m.exec(output)?.[1])
  assert.ok(passed > Object.keys(projects).length, output)
  assert.match(output, /^# fail 0$/m)
})

test('every project passes its type check', async () => {
  const [one] = Object.keys(projects)
  const { compilerOptions } = JSON.parse(await readFile(join(root, one as string, 'tsconfig.json'), 'utf8'))
  const options = { ...compilerOptions, customConditions: [SOURCE_CONDITION] }
  await writeFile(join(root, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, include: ['*/src'] }))
  // The sources of the packages are checked elsewhere, with other libraries. An installed package has only
  // declarations.
  const output = await inRoot(bin('tsc'), '-p', root, '--singleThreaded').catch(({ message }) => String(message))
  assert.deepEqual(
    output.split('\n').filter(line => line.includes('error TS') && !line.startsWith('..')),
    [],
  )
})

test('the files have the style of this workspace', async () => {
  await writeFile(join(root, 'biome.json'), await biomeSettings())
  await inRoot(bin('biome'), 'check', '--error-on-warnings', ...Object.keys(projects))
})

/**
 * The settings of the workspace, with two changes: targets need default exports, and descriptions of policies decide
 * about quotes in YAML.
 */
async function biomeSettings(): Promise<string> {
  const settings = JSON.parse(await readFile(join(workspace, 'biome.json'), 'utf8'))
  settings.linter.rules.style.noDefaultExport = 'off'
  return JSON.stringify({ ...settings, vcs: { enabled: false }, files: { includes: ['**', '!**/*.md'] } })
}

test('every place of a template is filled, and no file contains a path of this machine', () => {
  for (const [name, { content }] of Object.entries(projects)) {
    for (const target of targetNames) {
      for (const [path, text] of Object.entries(filesOf(name, content, target))) {
        assert.doesNotMatch(
          text,
          /__[a-z]+__|biome-ignore|only with|of sample|sample of|\.alone/i,
          `${name}/${path} on ${target}`,
        )
        assert.ok(!text.includes(workspace), `${name}/${path} on ${target}`)
        assert.match(text, /[^\n]\n$/, `${name}/${path} on ${target}`)
      }
    }
  }
})

test('every policy with options or ports has a file among the templates, and every such file has a test', async () => {
  const files = await readdir(join(workspace, 'packages/cli/templates/policies/policies'))
  const kebab = (name: string) => name.replaceAll(/[A-Z]/g, capital => `-${capital.toLowerCase()}`)
  const isPlain = ({ options, needs }: CatalogEntry) => options.safeParse({}).success && needs.length === 0
  for (const entry of catalog.filter(candidate => !isPlain(candidate))) {
    assert.ok(files.includes(`${kebab(entry.name)}.ts`), entry.name)
  }
  const known = policyNames.flatMap(name => [`${kebab(name)}.test.ts`, `${kebab(name)}.ts`])
  for (const file of files.filter(name => name !== 'plain.ts')) {
    assert.ok(known.includes(file), `${file} has the name of no policy`)
    assert.ok(files.includes(file.replace(/(\.test)?\.ts$/, '.test.ts')), `${file} has no test`)
  }
})

test('a policy without a file among the templates starts with its defaults', () => {
  const moon = { ...(catalog[0] as (typeof catalog)[number]), name: 'fullMoon' }
  const { files } = policiesContent('guard', ['hours', 'fullMoon'], [...catalog, moon])
  assert.match(
    files['src/policies/full-moon.ts'] ?? '',
    /\nexport const fullMoon = \(\) => policies\.fullMoon\(\{\}\)\n$/,
  )
  assert.match(files['src/decisions.ts'] ?? '', /\n {4}preIssueAccessToken: combine\(hours\(\), fullMoon\(\)\),\n/)
})

test('the documented settings of a port are those that it reads', async () => {
  for (const [port, { settings }] of Object.entries(ports) as [string, Port][]) {
    const file = port.replaceAll(/[A-Z]/g, capital => `-${capital.toLowerCase()}`)
    const read = (await import(`../../templates/policies/ports/${file}.ts`)) as {
      settings?: Record<string, { about: string; secret?: boolean; variable?: string; default?: unknown }>
    }
    for (const [name, setting] of Object.entries(settings)) {
      const own = read.settings?.[name]
      assert.ok(own, name)
      assert.ok(setting.about.startsWith(own.about), name)
      assert.equal(setting.isSecret === true, own.secret === true, name)
      assert.equal(setting.isOptional === true, 'default' in own, name)
      assert.equal(setting.name, own.variable, name)
    }
    const needed = Object.entries(read.settings ?? {}).filter(([, own]) => !('default' in own))
    assert.deepEqual(
      needed.map(([name]) => name).filter(name => !(name in settings)),
      [],
      port,
    )
  }
})

test('a README describes the deployment, what the platform must send, and every variable', () => {
  for (const [name, { content }] of Object.entries(projects)) {
    for (const target of targetNames) {
      const readme = filesOf(name, content, target)['README.md'] as string
      assert.match(readme, /^## Deploy: /m)
      assert.match(readme, /header `x-api-key`/)
      for (const { name: variable } of content.variables) assert.ok(readme.includes(`\`${variable}\``), variable)
    }
  }
  const guard = filesOf('guard', extensionContent('token-guard'), 'choreo')['README.md'] as string
  assert.match(guard, /Allowed headers: add `x-client-source-ip`/)
  assert.match(guard, /JWT/)
})

test('a project pins the versions that this workspace is tested with', async () => {
  const manifests = ['', 'packages/extension', 'extensions/pin-authenticator'].map(path =>
    join(workspace, path, 'package.json'),
  )
  const known: Record<string, string> = {}
  for (const manifest of manifests) {
    const { dependencies, devDependencies } = JSON.parse(await readFile(manifest, 'utf8'))
    Object.assign(known, dependencies, devDependencies)
  }
  for (const [name, version] of Object.entries(versions)) assert.equal(version, known[name], name)
  for (const name of ['contract', 'extension', 'policies']) {
    const { version } = JSON.parse(await readFile(join(workspace, 'packages', name, 'package.json'), 'utf8'))
    assert.equal(preflowVersion(), version)
  }
})
