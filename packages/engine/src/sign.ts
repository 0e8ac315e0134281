import { Webhook } from 'standardwebhooks'
import { failure, type Result } from './call-error.ts'

/**
 * The headers that prove to an extension that a request is recent and from this platform: `webhook-id`,
 * `webhook-timestamp`, `webhook-signature` over `id.timestamp.body`.
 *
 * @param secrets `whsec_…`. The request is signed with each secret, so that an extension can change its key at any
 *   time.
 * @param id Identifies the message: the same whenever it is sent again. Characters that the scheme reserves become `_`.
 * @returns No headers without a secret. A secret that is not base64 is an error of code `misconfigured`.
 * @see https://www.standardwebhooks.com
 */
export function sign(
  secrets: readonly string[],
  id: string,
  timestampMs: number,
  body: string,
): Result<Record<string, string>> {
  if (secrets.length === 0) return { ok: true, value: {} }
  const messageId = id.replaceAll(/[^\w-]/g, '_')
  const timestamp = new Date(timestampMs)
  try {
    return {
      ok: true,
      value: {
        'webhook-id': messageId,
        'webhook-timestamp': String(Math.floor(timestampMs / 1000)),
        'webhook-signature': secrets.map(secret => new Webhook(secret).sign(messageId, timestamp, body)).join(' '),
      },
    }
  } catch {
    return failure(
      'misconfigured',
      'A signing secret of the action is invalid. Use whsec_ followed by base64 of 24 to 64 random bytes.',
    )
  }
}
