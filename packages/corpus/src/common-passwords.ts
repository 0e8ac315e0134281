import { readFile } from 'node:fs/promises'
import { type Corpus, corpusInMemory, readCorpus } from './read-corpus.ts'

/** Beside the module in the package, beside the bundle in a deployment. */
const FOLDERS = ['../data/', './data/']
const FILE = 'common-passwords.corpus'

/**
 * Opens the list in the package: 49,233 common passwords in lower case, by SHA-256, in memory.
 *
 * A bundle needs the folder `data` of this package beside it.
 *
 * @throws {Error} If the folder is missing.
 */
export async function openCommonPasswords(): Promise<Corpus> {
  for (const folder of FOLDERS) {
    const bytes = await readFile(new URL(`${folder}${FILE}`, import.meta.url)).catch(() => undefined)
    if (bytes) return await readCorpus(corpusInMemory(FILE, bytes))
  }
  throw new Error(`${FILE} is missing. Copy the folder "data" of @preflow/corpus beside the bundle.`)
}
