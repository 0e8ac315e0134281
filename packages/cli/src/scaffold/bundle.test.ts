import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { buildProject, writeProject } from './built-project.fixture.ts'
import { extensionContent, readyMade } from './extensions.ts'

test('only extensions that store data bundle a database', async () => {
  const carriers: string[] = []
  for (const extension of Object.keys(readyMade)) {
    const project = await writeProject(extensionContent(extension), 'lambda')
    await buildProject(project)
    const dist = join(project.folder, 'dist')
    const modules = (await readdir(dist)).filter(file => file.endsWith('.mjs'))
    const texts = await Promise.all(modules.map(file => readFile(join(dist, file), 'utf8')))
    if (texts.some(text => text.includes('node:sqlite'))) carriers.push(extension)
    await project.remove()
  }
  assert.deepEqual(
    carriers,
    Object.keys(readyMade).filter(extension => readyMade[extension]?.state !== undefined),
  )
})
