import { type CredentialReader, createCredentialReader, importCredentialKeys } from '@preflow/extension/credential'
import type { Setting, SettingValues } from '@preflow/extension/settings'
import { z } from 'zod'
import type { Opening } from '../opening.ts'

export const settings = {
  decryptionKey: {
    schema: z.string().min(1),
    text: 'text',
    default: undefined,
    about: 'Private key (PEM or JWK) that decrypts passwords.',
    secret: true,
  } as Setting<string | undefined>,
}

export type Port = CredentialReader

/** Reads the new password of an event, encrypted or not. */
export async function open({ decryptionKey }: SettingValues<typeof settings>, _opening: Opening): Promise<Port> {
  const keys = await importCredentialKeys(decryptionKey === undefined ? [] : [decryptionKey])
  return createCredentialReader({ keys })
}
