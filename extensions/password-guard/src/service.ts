import { hash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { present } from '@preflow/contract'
import { type Corpus, type DigestKind, openCommonPasswords, openCorpus } from '@preflow/corpus'
import { createCredentialReader, importCredentialKeys } from '@preflow/extension/credential'
import type { Service } from '@preflow/extension/service'
import { createPwnedPasswords } from '@preflow/policies'
import { createHttpGet } from '@preflow/policies/http-get'
import { type Configuration, contradictions, settings } from './configuration.ts'
import { createPasswordGuard } from './password-guard.ts'

/** password-guard as it is deployed: with its keys, its corpora and the range API. */
export const passwordGuard: Service<typeof settings> = {
  name: 'password-guard',
  settings,
  contradictions,
  async open(configuration, { log, report = () => undefined }) {
    const keys = await importCredentialKeys(await keyTexts(configuration))
    const corpora: Corpus[] = []
    const get = createHttpGet()
    const close = async () => {
      get.close()
      await Promise.all(corpora.map(corpus => corpus.close()))
    }
    try {
      for (const path of configuration.corpora) {
        const corpus = await openCorpus(path, { verify: configuration.corpusCheck })
        corpora.push(corpus)
        const { kind, digest, keys: passwords, sourceDateMs } = corpus
        const sourceDate = new Date(sourceDateMs).toISOString().slice(0, 10)
        report('info', { event: 'corpus', path, kind, digest, passwords, sourceDate })
      }
      const common = configuration.checksCommonPasswords ? await openCommonPasswords() : undefined
      const count = configuration.asksRangeApi
        ? createPwnedPasswords(
            {
              url: configuration.rangeApiUrl,
              timeoutMs: configuration.rangeApiTimeoutMs,
              cacheSeconds: configuration.rangeApiCacheSeconds,
              cacheBytes: configuration.rangeApiCacheBytes,
            },
            { get },
          )
        : undefined
      const extension = createPasswordGuard(configuration, {
        credential: createCredentialReader({ keys }),
        corpora,
        digest,
        ...present({ common, count, log }),
      })
      return { extension, close }
    } catch (error) {
      await close()
      throw error
    }
  },
}

/** Hashes a string, because creating a Buffer costs Node more than twice as much as the digest. */
function digest(kind: DigestKind, text: string): Uint8Array {
  const characters = hash(kind, text, 'binary')
  const bytes = new Uint8Array(characters.length)
  for (let index = 0; index < bytes.length; index++) bytes[index] = characters.charCodeAt(index)
  return bytes
}

/** The keys as they are given, or the content of the named files. */
function keyTexts({ decryptionKey, previousDecryptionKey }: Configuration): Promise<string[]> {
  const given = {
    PASSWORD_GUARD_DECRYPTION_KEY: decryptionKey,
    PASSWORD_GUARD_PREVIOUS_DECRYPTION_KEY: previousDecryptionKey,
  }
  return Promise.all(
    Object.entries(given).flatMap(([variable, text]) => {
      if (text === undefined) return []
      if (/^\s*(-----|\{)/.test(text)) return text
      return readFile(text, 'utf8').catch((cause: NodeJS.ErrnoException) => {
        // The message omits the value, because it may be a key that was pasted without its first line.
        throw new Error(
          `${variable}: cannot be read (${cause.code}). Specify a PEM, a JWK, or the path of a file with one.`,
        )
      })
    }),
  )
}
