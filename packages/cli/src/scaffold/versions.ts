import { readFileSync } from 'node:fs'

/** The versions that a new project pins. This workspace is built and tested with them. */
export const versions = {
  '@types/node': '24.19.2',
  hono: '4.13.19',
  rolldown: '1.2.19',
  typescript: '7.0.2',
  zod: '4.6.7',
} as const

/** The version of all packages of Preflow, which are released together. */
export function preflowVersion(): string {
  const manifest = new URL('../../package.json', import.meta.url)
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version
}
