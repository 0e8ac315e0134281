import type { Variable } from './content.ts'

/** A dependency of a policy, as the operator sees it. Its code is in `templates/policies/ports`. */
export interface Port {
  /** The settings of the port. Their variables begin with the prefix of the project, unless they have a name. */
  settings: Readonly<Record<string, Omit<Variable, 'name'> & { name?: string }>>
}

export const ports = {
  country: {
    settings: {
      countryDatabase: {
        example: 'data/country.mmdb',
        about: 'Country database, a .mmdb file such as GeoLite2-Country or DB-IP Country Lite. Copy it to data/.',
        isFile: true,
      },
    },
  },
  reputation: {
    settings: {
      abuseipdbApiKey: { name: 'ABUSEIPDB_API_KEY', example: '', about: 'Key for AbuseIPDB.', isSecret: true },
    },
  },
  credential: {
    settings: {
      decryptionKey: {
        example: '',
        about: 'Private key (PEM or JWK) that decrypts passwords. Required if the action has a certificate.',
        isSecret: true,
        isOptional: true,
      },
    },
  },
  commonPasswords: { settings: {} },
  breachCount: { settings: {} },
} as const satisfies Readonly<Record<string, Port>>
