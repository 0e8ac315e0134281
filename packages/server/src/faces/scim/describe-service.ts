/** Describes the service in the forms of RFC 7643, sections 5 to 7. */
import { present } from '@preflow/contract'
import { type Attribute, describeSchema, type ResourceType, type Schema } from './attribute.ts'
import { MAX_BULK_OPERATIONS } from './bulk.ts'
import { groupType } from './group-schema.ts'
import { DEFAULT_RESULTS, LIST_RESPONSE, MAX_RESULTS } from './paging.ts'
import { roleType } from './role-schema.ts'
import { ownUserType, userType } from './schema.ts'
import { scimProblems } from './scim-problems.ts'
import { MAX_BODY_BYTES } from './visit.ts'

const CORE = 'urn:ietf:params:scim:schemas:core:2.0'

/** The kinds of resources of the service. */
const RESOURCE_TYPES: readonly ResourceType[] = [userType, groupType, roleType]

/** Their schemas, by their URIs. */
const schemas: ReadonlyMap<string, Schema> = new Map(
  RESOURCE_TYPES.flatMap(({ core, extensions }) => [core, ...extensions]).map(schema => [schema.id, schema]),
)

/** A list response without paging. */
function listOf(resources: readonly object[]): object {
  return {
    schemas: [LIST_RESPONSE],
    totalResults: resources.length,
    startIndex: 1,
    itemsPerPage: resources.length,
    Resources: resources,
  }
}

/** @param location The URL of the service, without a slash at the end. */
export function describeSchemas(location: string): object {
  return listOf([...schemas.values()].map(schema => describeSchema(schema, `${location}/Schemas`)))
}

/**
 * The schemas of `/Me` in the form of WSO2's products, which Asgardeo's SDKs read: an array, with constants in capitals. The SDKs
 * show its attributes on the page of a user's profile.
 */
export function describeProfile(): object[] {
  const { core, extensions } = ownUserType
  return [core, ...extensions].map(({ attributes, ...schema }) => ({ ...schema, attributes: forProfile(attributes) }))
}

/** A list, and what is part of a read-only attribute, is read-only: a page of the SDKs edits single values only. */
function forProfile(attributes: readonly Attribute[], isReadOnly = false): object[] {
  return attributes.map((attribute, at) => {
    const { multiValued, name, returned, subAttributes, type, uniqueness, ...more } = attribute
    const mutability = isReadOnly || multiValued ? 'readOnly' : attribute.mutability
    const parts = multiValued ? undefined : subAttributes
    return {
      ...more,
      ...{ name, multiValued, displayName: labelOf(name), displayOrder: String(at + 1) },
      ...{ type: asConstant(type), mutability: asConstant(mutability) },
      ...{ returned: asConstant(returned), uniqueness: asConstant(uniqueness) },
      ...present({ subAttributes: parts && forProfile(parts, mutability === 'readOnly') }),
    }
  })
}

/** `givenName` is “Given name”. */
function labelOf(name: string): string {
  const words = name
    .replace(/^\W+/, '')
    .replace(/(?<=[a-z])(?=[A-Z])/g, ' ')
    .toLowerCase()
  return words.charAt(0).toUpperCase() + words.slice(1)
}

/** `readWrite` is `READ_WRITE`, and `dateTime` is `DATE_TIME`. */
function asConstant(name: string): string {
  return name.replace(/(?=[A-Z])/g, '_').toUpperCase()
}

/** Throws a problem with status 404 for an unknown schema. */
export function describeOneSchema(id: string, location: string): object {
  const schema = schemas.get(id)
  if (!schema) throw scimProblems.notFound()
  return describeSchema(schema, `${location}/Schemas`)
}

export function describeTypes(location: string): object {
  return listOf(RESOURCE_TYPES.map(type => describeType(type, location)))
}

/** Throws a problem with status 404 for an unknown resource type. */
export function describeOneType(name: string, location: string): object {
  const type = RESOURCE_TYPES.find(known => known.name === name)
  if (!type) throw scimProblems.notFound()
  return describeType(type, location)
}

function describeType({ core, description, endpoint, extensions, name }: ResourceType, location: string): object {
  return {
    schemas: [`${CORE}:ResourceType`],
    id: name,
    name,
    endpoint,
    description,
    schema: core.id,
    schemaExtensions: extensions.map(({ id }) => ({ schema: id, required: false })),
    meta: { resourceType: 'ResourceType', location: `${location}/ResourceTypes/${name}` },
  }
}

export function describeService(location: string): object {
  return {
    schemas: [`${CORE}:ServiceProviderConfig`],
    patch: { supported: true },
    bulk: { supported: true, maxOperations: MAX_BULK_OPERATIONS, maxPayloadSize: MAX_BODY_BYTES },
    filter: { supported: true, maxResults: MAX_RESULTS },
    changePassword: { supported: true },
    sort: { supported: true },
    // RFC 9865.
    pagination: {
      cursor: true,
      index: true,
      defaultPaginationMethod: 'index',
      defaultPageSize: DEFAULT_RESULTS,
      maxPageSize: MAX_RESULTS,
    },
    etag: { supported: true },
    authenticationSchemes: [
      {
        type: 'oauthbearertoken',
        name: 'OAuth Bearer Token',
        description: 'An access token with the scope of the operation',
      },
      { type: 'httpbasic', name: 'HTTP Basic', description: 'User name and password' },
    ],
    meta: { resourceType: 'ServiceProviderConfig', location: `${location}/ServiceProviderConfig` },
  }
}
