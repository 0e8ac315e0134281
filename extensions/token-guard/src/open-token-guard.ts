import { present } from '@preflow/contract'
import type { DecisionRecord, Extension } from '@preflow/extension'
import { createAbuseIpDb } from '@preflow/policies'
import { openCountryFile } from '@preflow/policies/country-file'
import { createHttpGet } from '@preflow/policies/http-get'
import type { Configuration } from './configuration.ts'
import { createTokenGuard } from './token-guard.ts'

/** A token-guard with its country file open and its connections ready. */
export interface OpenTokenGuard {
  extension: Extension
  /** Closes what it opened. */
  close(): void
}

/**
 * Opens the files of the configuration, then creates the extension, so no call waits for a file.
 *
 * @param hooks.warn Receives sentences for the operator, for example about an old country file.
 * @throws {Error} With a sentence, if the country file cannot be used.
 */
export async function openTokenGuard(
  configuration: Configuration,
  hooks: { log?(record: DecisionRecord): void; warn?(message: string): void; now?(): number } = {},
): Promise<OpenTokenGuard> {
  const { log, warn, now } = hooks
  const clock = present({ now })
  const { countryDatabase, abuseipdbApiKey } = configuration
  const file =
    countryDatabase === undefined
      ? undefined
      : await openCountryFile(countryDatabase, { ...clock, ...present({ warn }) })
  const get = createHttpGet()
  const reputation =
    configuration.reputation === 'off' || abuseipdbApiKey === undefined
      ? undefined
      : createAbuseIpDb(
          {
            apiKey: abuseipdbApiKey,
            url: configuration.abuseipdbUrl,
            maxAgeDays: configuration.reputationMaxAgeDays,
            timeoutMs: configuration.reputationTimeoutMs,
            cacheSeconds: configuration.reputationCacheSeconds,
            cacheEntries: configuration.reputationCacheEntries,
          },
          { get, ...clock },
        )
  const extension = createTokenGuard(configuration, {
    ...clock,
    ...present({ country: file?.lookup, reputation, log }),
  })
  return {
    extension,
    close: () => {
      file?.close()
      get.close()
    },
  }
}
