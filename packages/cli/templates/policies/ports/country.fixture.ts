import type { Port } from './country.ts'

/** Every address is in a country that is not blocked. */
export const port: Port = () => ({ kind: 'country', code: 'LK' })
