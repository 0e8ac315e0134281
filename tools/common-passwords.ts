/**
 * Builds `packages/corpus/data/common-passwords.corpus` from the list of `@zxcvbn-ts/language-common`: `sh
 * tools/node.sh tools/common-passwords.ts`, after a new version of that package.
 */
import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildCorpus, type CorpusSummary } from '@preflow/corpus'
import { dictionary } from '@zxcvbn-ts/language-common'

/** When the version in the lock file was published, because npm does not keep the date of its files. */
const PUBLISHED = new Date('2026-07-16T00:00:00Z')

export const COMMON_PASSWORDS: string = join(import.meta.dirname, '../packages/corpus/data/common-passwords.corpus')

/**
 * Writes the corpus. SHA-256 is enough, because a platform shares either the password, which can be hashed, or that
 * digest.
 */
export async function writeCommonPasswords(out: string): Promise<CorpusSummary> {
  const folder = await mkdtemp(join(tmpdir(), 'common-passwords-'))
  try {
    const source = join(folder, 'passwords.txt')
    await writeFile(source, dictionary['passwords-common'].join('\n'))
    await utimes(source, PUBLISHED, PUBLISHED)
    return await buildCorpus({ source, out, digest: 'sha256' })
  } finally {
    await rm(folder, { recursive: true })
  }
}

if (import.meta.main) {
  const { keys, bytes } = await writeCommonPasswords(COMMON_PASSWORDS)
  process.stdout.write(`${keys} passwords, ${bytes} bytes\n`)
}
