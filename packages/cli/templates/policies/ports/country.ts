import type { Setting, SettingValues } from '@preflow/extension/settings'
import type { CountryLookup } from '@preflow/policies'
import { openCountryFile } from '@preflow/policies/country-file'
import { z } from 'zod'
import type { Opening } from '../opening.ts'

export const settings = {
  countryDatabase: {
    schema: z.string().min(1),
    text: 'text',
    about: 'Country database, a .mmdb file such as GeoLite2-Country or DB-IP Country Lite.',
  } as Setting<string>,
}

export type Port = CountryLookup

/** The country of an address, from a file that is read again after it changes. */
export async function open(
  { countryDatabase }: SettingValues<typeof settings>,
  { onClose, report }: Opening,
): Promise<Port> {
  const countries = await openCountryFile(countryDatabase, {
    warn: message => report('warn', { event: 'warning', message }),
  })
  onClose(() => countries.close())
  return countries.lookup
}
