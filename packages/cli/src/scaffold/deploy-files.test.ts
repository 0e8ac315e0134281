import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { startReputationStandIn } from '@preflow/token-guard/reputation-stand-in'
import { buildProject, type WrittenProject, workspace, writeProject } from './built-project.fixture.ts'
import { deployDocument } from './deploy-document.ts'
import { extensionContent, readyMade } from './extensions.ts'
import { projectFiles } from './project.ts'
import { describeImage, readDockerfile, startImage } from './runtimes/image.fixture.ts'
import { startOnVercel } from './runtimes/vercel.fixture.ts'
import { scenarios } from './scenarios.fixture.ts'
import { callerEnv, freePort, platformCall } from './targets.cases.ts'
import type { TargetName } from './targets.ts'

const port = 8099

function filesOf(extension: string, target: TargetName): Record<string, string> {
  const content = extensionContent(extension)
  return projectFiles({ name: extension, target, content, packages: {}, port, randomHex: () => 'ab' })
}

/** The settings of an extension on a target. Secret ones are marked. */
function variablesOf(extension: string, { isFunction }: { isFunction: boolean }) {
  const { variables, functionVariables = [] } = extensionContent(extension)
  return isFunction ? [...variables, ...functionVariables] : variables
}

test('the deployment document of each extension matches the tables', async () => {
  for (const extension of Object.keys(readyMade)) {
    const path = join(workspace, 'extensions', extension, 'deploy', 'README.md')
    const advice = `${path}: run node --conditions=@preflow/source tools/deploy-documents.ts`
    assert.equal(await readFile(path, 'utf8'), deployDocument(extension), advice)
  }
})

for (const extension of Object.keys(readyMade)) {
  const { prefix, state } = extensionContent(extension)

  test(`${extension}: the image contains only the bundle and runs it as a user without rights`, () => {
    const dockerfile = filesOf(extension, 'container')['Dockerfile'] as string
    const [build = [], final = [], ...more] = readDockerfile(dockerfile)
    assert.equal(more.length, 0)
    assert.deepEqual(build.map(({ word, rest }) => `${word} ${rest}`).slice(2), [
      'COPY package*.json .npmrc ./',
      'RUN npm ci',
      'COPY . .',
      'RUN npm run build',
    ])
    // The final image installs nothing. Its one command creates the folder for data.
    const commands = final.filter(({ word }) => word === 'RUN').map(({ rest }) => rest)
    assert.deepEqual(commands, state ? ['install -d -o 10014 /data'] : [])
    const image = describeImage(dockerfile)
    assert.deepEqual(image.copies, [['dist', './']])
    assert.equal(image.user, '10014')
    assert.deepEqual(image.command, ['node', 'main.mjs'])
    assert.equal(image.env[`${prefix}_HOSTNAME`], '0.0.0.0')
    assert.equal(image.env[`${prefix}_PORT`], String(port))
    assert.ok(final.some(({ word, rest }) => word === 'EXPOSE' && rest === String(port)))
    assert.doesNotMatch(dockerfile, /SECRET|_KEY|PASSWORD_GUARD_D|PEPPER/)
  })

  test(`${extension}: the systemd unit allows writing only to the folder of the data`, () => {
    const readme = filesOf(extension, 'node')['README.md'] as string
    const unit = /```ini\n([\s\S]*?)```/.exec(readme)?.[1] ?? ''
    assert.match(unit, /^ *ProtectSystem=strict$/m)
    assert.equal(/^ *StateDirectory=%N$/m.test(unit), state !== undefined)
    assert.equal(unit.includes(`Environment=${state?.variable}=%S/%N/${state?.file}\n`), state !== undefined)
  })

  test(`${extension}: Choreo gets the port, the interface and every setting`, () => {
    const files = filesOf(extension, 'choreo')
    const component = files['.choreo/component.yaml'] as string
    assert.match(component, new RegExp(`^ +port: ${port}$`, 'm'))
    for (const { name, isSecret, isOptional } of variablesOf(extension, { isFunction: false })) {
      const field = new RegExp(`- name: ${name}\\n(?: {6,}.*\\n)+`).exec(component)?.[0] ?? ''
      assert.match(field, isSecret ? / type: secret\n/ : / type: string\n/, name)
      assert.match(field, isOptional ? / required: false\n/ : / required: true\n/, name)
    }
    const schema = /schemaFilePath: (.+)/.exec(component)?.[1]
    // The gateway allows only paths of the schema, and pages are not in it.
    assert.equal(schema, extensionContent(extension).hasPages ? undefined : 'openapi.yaml')
    if (schema) assert.match(files[schema] as string, /^ {2}\/:\n {4}post:$/m)
  })

  test(`${extension}: the Lambda template has the settings as parameters, and hides secret ones`, () => {
    const template = filesOf(extension, 'lambda')['template.yaml'] as string
    for (const { name, isSecret } of variablesOf(extension, { isFunction: true })) {
      const parameter = new RegExp(`^ {10}${name}: !Ref (\\w+)$`, 'm').exec(template)?.[1]
      const declared = new RegExp(`^ {2}${parameter}:\\n(?: {4}.*\\n)+`, 'm').exec(template)?.[0] ?? ''
      assert.match(declared, / Type: String\n/, name)
      assert.equal(declared.includes('NoEcho: true'), isSecret === true, name)
    }
    assert.match(template, /^ {6}Runtime: nodejs24\.x$/m)
    assert.match(template, /^ {6}Timeout: 5$/m)
  })
}

describe('a container', () => {
  const content = extensionContent('token-guard')
  let project: WrittenProject
  before(async () => {
    project = await writeProject(content, 'container', { name: 'token-guard', port: await freePort() })
    await buildProject(project)
  })
  after(() => project.remove())

  test('reports its health, writes nothing, and finishes open calls on SIGTERM', async t => {
    const service = await startReputationStandIn()
    t.after(() => service.close())
    service.setFault('slow')
    const running = await startImage(project.folder, {
      ...callerEnv(content.prefix),
      ABUSEIPDB_API_KEY: 'key',
      ABUSEIPDB_URL: service.url,
      TOKEN_GUARD_REPUTATION_TIMEOUT_MS: '400',
    })
    t.after(() => running.stop())
    const files = () => readdir(running.folder, { recursive: true })
    const before = await files()
    assert.ok(await running.isHealthy())

    const asked = service.asked()
    const scenario = await (scenarios['token-guard'] as NonNullable<(typeof scenarios)[string]>)()
    await scenario.close()
    const answer = running.ways['http']?.(platformCall(JSON.stringify(scenario.allowed.request)))
    await asked
    assert.deepEqual(await files(), before)
    const code = running.stop()
    assert.equal((await answer)?.status, 500, 'the reputation service was unavailable, and the answer reported it')
    assert.equal(await code, 0)
    assert.ok(!(await running.isHealthy()))
  })
})

describe('Vercel', () => {
  const content = extensionContent('scope-limiter')
  let project: WrittenProject
  before(async () => {
    project = await writeProject(content, 'vercel', { name: 'scope-limiter' })
    await buildProject(project)
  })
  after(() => project.remove())

  test('UC-27: every path leads to the function, except the file for robots', async t => {
    const { allowed, env } = await (scenarios['scope-limiter'] as NonNullable<(typeof scenarios)[string]>)()
    const running = await startOnVercel(project.folder, { ...callerEnv(content.prefix), ...env })
    t.after(() => running.stop())
    const ask = running.ways['http'] as NonNullable<(typeof running.ways)[string]>
    for (const path of ['/', '/api', '/validate-token-policy?x=1', '/a/b/c']) {
      const answer = await ask({ ...platformCall(JSON.stringify(allowed.request)), path })
      assert.equal(JSON.parse(answer.body).actionStatus, 'SUCCESS', path)
    }
    const robots = await ask({ method: 'GET', path: '/robots.txt', headers: {} })
    assert.deepEqual([robots.status, robots.body], [200, 'User-agent: *\nDisallow: /\n'])
  })
})
