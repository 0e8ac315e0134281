import { present } from '@preflow/contract'

/** An attribute of a schema (RFC 7643, section 7). */
export interface Attribute {
  name: string
  type: 'string' | 'boolean' | 'decimal' | 'integer' | 'dateTime' | 'reference' | 'binary' | 'complex'
  description: string
  multiValued: boolean
  required: boolean
  /** Whether strings are compared with regard to case. */
  caseExact: boolean
  mutability: 'readWrite' | 'readOnly' | 'writeOnly'
  returned: 'default' | 'always' | 'never'
  uniqueness: 'none' | 'server'
  /** The only values there are; compared without regard to case. */
  canonicalValues?: readonly string[]
  referenceTypes?: readonly string[]
  subAttributes?: readonly Attribute[]
  /** There is always a value: it can be replaced, not removed. */
  isPermanent?: true
  /** A PUT that does not mention it leaves it as it is. */
  isKeptByReplace?: true
}

export interface Schema {
  id: string
  name: string
  description: string
  attributes: readonly Attribute[]
}

/** What a kind of resource is made of. */
export interface ResourceType {
  name: string
  endpoint: string
  description: string
  /** Attributes that every resource has. They are in no schema (RFC 7643, section 3.1). */
  common: readonly Attribute[]
  core: Schema
  extensions: readonly Schema[]
}

type More = Partial<Omit<Attribute, 'name' | 'type' | 'description'>>

function attribute(name: string, type: Attribute['type'], description: string, more: More = {}): Attribute {
  return {
    name,
    type,
    description,
    multiValued: false,
    required: false,
    caseExact: false,
    mutability: 'readWrite',
    returned: 'default',
    uniqueness: 'none',
    ...more,
  }
}

export const string = (name: string, description: string, more?: More): Attribute =>
  attribute(name, 'string', description, more)

export const strings = (name: string, description: string, more?: More): Attribute =>
  attribute(name, 'string', description, { multiValued: true, ...more })

export const boolean = (name: string, description: string, more?: More): Attribute =>
  attribute(name, 'boolean', description, more)

export const dateTime = (name: string, description: string, more?: More): Attribute =>
  attribute(name, 'dateTime', description, more)

export const binary = (name: string, description: string, more?: More): Attribute =>
  attribute(name, 'binary', description, { caseExact: true, ...more })

export const reference = (
  name: string,
  description: string,
  referenceTypes: readonly string[],
  more?: More,
): Attribute => attribute(name, 'reference', description, { caseExact: true, referenceTypes, ...more })

export const complex = (
  name: string,
  description: string,
  subAttributes: readonly Attribute[],
  more?: More,
): Attribute => attribute(name, 'complex', description, { subAttributes, ...more })

/** A list of values, each with what it is for. */
export function valued(
  name: string,
  description: string,
  value: Attribute,
  types: readonly string[] | undefined,
  more?: More,
): Attribute {
  return complex(
    name,
    description,
    [
      value,
      string('display', 'A name of the value for people.'),
      string('type', 'What the value is for.', present({ canonicalValues: types })),
      boolean('primary', 'Whether this is the preferred value. At most one is.'),
    ],
    { multiValued: true, ...more },
  )
}

export const READ_ONLY = { mutability: 'readOnly' } as const

/** The common attributes of every resource type. */
export const COMMON: readonly Attribute[] = [
  strings('schemas', 'The URIs of the schemas.', { ...READ_ONLY, returned: 'always', caseExact: true }),
  string('id', 'The id of the resource.', { ...READ_ONLY, returned: 'always', caseExact: true, uniqueness: 'server' }),
  string('externalId', 'The id of the resource at the client.', { caseExact: true }),
  complex(
    'meta',
    'What the server knows of the resource.',
    [
      string('resourceType', 'The type of the resource.', { caseExact: true }),
      dateTime('created', 'When the resource was created.'),
      dateTime('lastModified', 'When the resource was last changed.'),
      reference('location', 'Where the resource is.', ['uri']),
      string('version', 'The version of the resource.', { caseExact: true }),
    ],
    READ_ONLY,
  ),
]

/** The attribute as `/Schemas` has it. */
export function describeAttribute(given: Attribute): object {
  const { canonicalValues, caseExact, referenceTypes, subAttributes, uniqueness, ...more } = given
  const { isKeptByReplace: _, isPermanent: __, ...common } = more
  const isComplex = subAttributes !== undefined
  return {
    ...common,
    ...(isComplex ? {} : { caseExact, uniqueness }),
    ...present({ canonicalValues, referenceTypes, subAttributes: subAttributes?.map(describeAttribute) }),
  }
}

/** The schema as `/Schemas` has it. */
export function describeSchema({ attributes, ...schema }: Schema, location: string): object {
  return {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:Schema'],
    ...schema,
    attributes: attributes.map(describeAttribute),
    meta: { resourceType: 'Schema', location: `${location}/${schema.id}` },
  }
}

/** Finds an attribute by its name, without regard to case. */
export function findAttribute(attributes: readonly Attribute[] | undefined, name: string): Attribute | undefined {
  const wanted = name.toLowerCase()
  return attributes?.find(known => known.name.toLowerCase() === wanted)
}
