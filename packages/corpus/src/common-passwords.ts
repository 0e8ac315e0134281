import { readFile } from 'node:fs/promises'
import { type Corpus, corpusInMemory, readCorpus } from './read-corpus.ts'

/** Beside the module when it is part of the package, beside the bundle when somebody made one. */
const FOLDERS = ['../data/', './data/']
const FILE = 'common-passwords.corpus'

/**
 * Opens the list that comes with the package: 49,233 common passwords in lower case, by SHA-256, in memory.
 *
 * A bundle needs the folder `data` of this package beside it.
 *
 * @throws {Error} When the folder is missing.
 */
export async function openCommonPasswords(): Promise<Corpus> {
  for (const folder of FOLDERS) {
    const bytes = await readFile(new URL(`${folder}${FILE}`, import.meta.url)).catch(() => undefined)
    if (bytes) return await readCorpus(corpusInMemory(FILE, bytes))
  }
  throw new Error(`${FILE} is missing. Copy the folder "data" of @preflow/corpus beside the bundle.`)
}
