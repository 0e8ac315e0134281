import type { Variable } from './content.ts'

/** What a policy of a project asks, as its operator sees it. The program is in `templates/policies/ports`. */
export interface Port {
  /** The settings that the operator must know of. Their variables begin with the prefix of the project, unless they have a name. */
  settings: Readonly<Record<string, Omit<Variable, 'name'> & { name?: string }>>
}

export const ports = {
  country: {
    settings: {
      countryDatabase: {
        example: 'data/country.mmdb',
        about: 'Country database, a .mmdb file such as GeoLite2-Country or DB-IP Country Lite. Put it into data/.',
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
        about: 'Private key (PEM or JWK) that opens encrypted passwords. Needed when the action has a certificate.',
        isSecret: true,
        isOptional: true,
      },
    },
  },
  commonPasswords: { settings: {} },
  breachCount: { settings: {} },
} as const satisfies Readonly<Record<string, Port>>
