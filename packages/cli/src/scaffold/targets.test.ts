import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { buildProject, type WrittenProject, writeProject } from './built-project.fixture.ts'
import { extensionContent, readyMade } from './extensions.ts'
import { describeImage, startImage } from './runtimes/image.fixture.ts'
import { startOnLambda } from './runtimes/lambda.fixture.ts'
import { startOnNode } from './runtimes/node.fixture.ts'
import { type Running, send } from './runtimes/running.fixture.ts'
import { startOnVercel } from './runtimes/vercel.fixture.ts'
import { type Scenario, scenarios } from './scenarios.fixture.ts'
import { callerEnv, freePort, targetSuite } from './targets.cases.ts'
import { type TargetName, targets } from './targets.ts'

type Start = (project: string, prefix: string, env: Record<string, string>) => Promise<Running>

const starts: Record<TargetName, Start> = {
  node: startOnNode,
  lambda: (project, _prefix, env) => startOnLambda(project, env),
  vercel: (project, _prefix, env) => startOnVercel(project, env),
  choreo: startOnChoreo,
  container: (project, _prefix, env) => startImage(project, env),
}

/** Starts the image and calls it as the component descriptor states. */
async function startOnChoreo(project: string, _prefix: string, env: Record<string, string>): Promise<Running> {
  const component = await readFile(join(project, '.choreo/component.yaml'), 'utf8')
  const value = (name: string) => new RegExp(`^ +${name}: (.+)$`, 'm').exec(component)?.[1] ?? ''
  const { user } = describeImage(await readFile(join(project, 'Dockerfile'), 'utf8'))
  assert.ok(Number(user) >= 10_000 && Number(user) <= 20_000, `Choreo builds no image with the user ${user}.`)
  const running = await startImage(project, env)
  const endpoint = `http://127.0.0.1:${value('port')}${value('basePath')}`
  return { ...running, ways: { 'public endpoint': call => send(endpoint, call) } }
}

for (const extension of Object.keys(readyMade)) {
  for (const target of Object.keys(targets) as TargetName[]) {
    describe(`${extension} on ${target}`, () => {
      const content = extensionContent(extension)
      let project: WrittenProject
      let scenario: Scenario
      let running: Running

      before(async () => {
        project = await writeProject(content, target, { name: extension, port: await freePort() })
        await buildProject(project)
        scenario = await (scenarios[extension] as () => Promise<Scenario>)()
        running = await starts[target](project.folder, content.prefix, {
          ...callerEnv(content.prefix),
          ...scenario.env,
        })
      })
      after(async () => {
        await running?.stop()
        await scenario?.close()
        await project?.remove()
      })

      targetSuite(() => ({ running, scenario }))

      test('without settings it does not start, and lists what is missing', async () => {
        await assert.rejects(starts[target](project.folder, content.prefix, {}), {
          name: 'NotStarted',
          message: new RegExp(`^${extension} does not start:[^]*\\b${content.prefix}_CALLER: missing`),
        })
      })
    })
  }
}
