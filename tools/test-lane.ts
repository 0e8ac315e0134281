/** A process of `run-tests.ts`: gets test files from its queue and runs one after the other, each as a suite. */
import { resolve } from 'node:path'
import process from 'node:process'
import { suite } from 'node:test'
import { pathToFileURL } from 'node:url'

const [, , queue] = process.argv

/** The next file, or an empty string after the last. */
async function nextFile(): Promise<string> {
  return (await fetch(`${queue}/${process.pid}`)).text()
}

for (let file = await nextFile(); file !== ''; file = await nextFile()) {
  // At the top level, the promise of a suite resolves when the suite has ended.
  await suite(file, async () => {
    await import(pathToFileURL(resolve(file)).href)
  })
}
