import { createCredentialReader } from '@preflow/extension/credential'
import type { Port } from './credential.ts'

/** Reads passwords that are not encrypted. */
export const port: Port = createCredentialReader()
