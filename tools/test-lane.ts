/** A process of `run-tests.ts`: takes test files from its queue and runs one after the other, each as a suite. */
import { resolve } from 'node:path'
import process from 'node:process'
import { suite } from 'node:test'
import { pathToFileURL } from 'node:url'

const [, , queue] = process.argv

/** The next file, or nothing when all are taken. */
async function take(): Promise<string> {
  return (await fetch(`${queue}/${process.pid}`)).text()
}

for (let file = await take(); file !== ''; file = await take()) {
  // At the top a suite is over when its promise is.
  await suite(file, async () => {
    await import(pathToFileURL(resolve(file)).href)
  })
}
