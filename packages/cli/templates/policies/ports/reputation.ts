import type { Setting, SettingValues } from '@preflow/extension/settings'
import { createAbuseIpDb, type ReputationLookup } from '@preflow/policies'
import { createHttpGet } from '@preflow/policies/http-get'
import { z } from 'zod'
import type { Opening } from '../opening.ts'

export const settings = {
  abuseipdbApiKey: {
    schema: z.string().min(1),
    text: 'text',
    variable: 'ABUSEIPDB_API_KEY',
    about: 'Key for AbuseIPDB.',
    secret: true,
  } as Setting<string>,
  abuseipdbUrl: {
    schema: z.url(),
    text: 'text',
    default: 'https://api.abuseipdb.com',
    variable: 'ABUSEIPDB_URL',
    about: 'Address of AbuseIPDB.',
  } as Setting<string>,
}

export type Port = ReputationLookup

/** The reputation of an address, from AbuseIPDB. */
export function open(
  { abuseipdbApiKey: apiKey, abuseipdbUrl: url }: SettingValues<typeof settings>,
  { onClose }: Opening,
): Port {
  const get = createHttpGet()
  onClose(() => get.close())
  return createAbuseIpDb({ apiKey, url }, { get })
}
