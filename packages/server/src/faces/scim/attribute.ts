import { present } from '@preflow/contract'

/** An attribute of a schema (RFC 7643, section 7). */
export interface Attribute {
  name: string
  type: 'string' | 'boolean' | 'decimal' | 'integer' | 'dateTime' | 'reference' | 'binary' | 'complex'
  description: string
  multiValued: boolean
  required: boolean
  /** Whether the comparison of strings is case-sensitive. */
  caseExact: boolean
  mutability: 'readWrite' | 'readOnly' | 'writeOnly'
  returned: 'default' | 'always' | 'never'
  uniqueness: 'none' | 'server'
  /** The only valid values. Their comparison ignores case. */
  canonicalValues?: readonly string[]
  referenceTypes?: readonly string[]
  subAttributes?: readonly Attribute[]
  /** The attribute always has a value. It can be replaced, but not removed. */
  isPermanent?: true
  /** A PUT without this attribute keeps its value. */
  isKeptByReplace?: true
  /** Maximum number of values of a list in one request. Default: as many as fit into the document of a user. */
  maxValues?: number
}

export interface Schema {
  id: string
  name: string
  description: string
  attributes: readonly Attribute[]
}

/** The schemas and attributes of one kind of resource. */
export interface ResourceType {
  name: string
  endpoint: string
  description: string
  /** Attributes of every resource. No schema lists them (RFC 7643, section 3.1). */
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

export const integer = (name: string, description: string, more?: More): Attribute =>
  attribute(name, 'integer', description, more)

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

/** A multi-valued attribute whose values have a type. */
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
      string('display', 'A readable name of the value.'),
      string('type', 'The purpose of the value.', present({ canonicalValues: types })),
      boolean('primary', 'Whether this is the preferred value. At most one value is.'),
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
    'Metadata that the server keeps about the resource.',
    [
      string('resourceType', 'The type of the resource.', { caseExact: true }),
      dateTime('created', 'When the resource was created.'),
      dateTime('lastModified', 'When the resource was last changed.'),
      reference('location', 'The URI of the resource.', ['uri']),
      string('version', 'The version of the resource.', { caseExact: true }),
    ],
    READ_ONLY,
  ),
]

/** Describes an attribute in the form of `/Schemas`. */
export function describeAttribute(given: Attribute): object {
  const { canonicalValues, caseExact, referenceTypes, subAttributes, uniqueness, ...more } = given
  const { isKeptByReplace: _, isPermanent: __, maxValues: ___, ...common } = more
  const isComplex = subAttributes !== undefined
  return {
    ...common,
    ...(isComplex ? {} : { caseExact, uniqueness }),
    ...present({ canonicalValues, referenceTypes, subAttributes: subAttributes?.map(describeAttribute) }),
  }
}

/** Describes a schema in the form of `/Schemas`. */
export function describeSchema({ attributes, ...schema }: Schema, location: string): object {
  return {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:Schema'],
    ...schema,
    attributes: attributes.map(describeAttribute),
    meta: { resourceType: 'Schema', location: `${location}/${schema.id}` },
  }
}

/** A list of other resources that the server computes. */
export function membership(name: string, description: string, more: readonly Attribute[] = []): Attribute {
  return complex(
    name,
    description,
    [
      string('value', 'The id.', { caseExact: true }),
      string('display', 'The name.'),
      reference('$ref', 'The URI.', ['uri']),
      string('type', 'Whether the membership is direct or indirect.'),
      ...more,
    ],
    { ...READ_ONLY, multiValued: true },
  )
}

/** Where a role in a list applies. */
export const AUDIENCE_OF_ROLE: readonly Attribute[] = [
  string('audienceValue', 'The id of the organization or application in which the role applies.'),
  string('audienceDisplay', 'Its name.'),
  string('audienceType', 'Whether it is an organization or an application.'),
]

/** Finds an attribute by its name, ignoring case. */
export function findAttribute(attributes: readonly Attribute[] | undefined, name: string): Attribute | undefined {
  const wanted = name.toLowerCase()
  return attributes?.find(known => known.name.toLowerCase() === wanted)
}
