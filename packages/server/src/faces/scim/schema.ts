/**
 * The SCIM schema of users. scimmy keeps one definition of it for the whole process, which is extended here once: with the
 * enterprise extension and with the reference's own, and without attributes that no local claim stands for.
 */
import { Schemas, Types } from 'scimmy'
import { ENTERPRISE_USER, localClaims, WSO2_USER } from '../../ground/claims/local-claims.ts'

const { Attribute, SchemaDefinition } = Types

const wso2User = new SchemaDefinition(
  'WSO2User',
  'urn:ietf:params:scim:schemas:extension:placeholder',
  'Attributes of WSO2 Identity Server',
  [...localClaims.values()].flatMap(({ displayName, place }) => {
    if (!('path' in place) || place.path[0] !== WSO2_USER) return []
    const type = place.kind === 'truth' ? 'boolean' : 'string'
    const multiValued = place.kind === 'texts'
    return [new Attribute(type, place.path[1] ?? '', { multiValued, description: displayName })]
  }),
)
// Its name is older than the rule that names of schemas begin with urn:ietf, which only the constructor insists on.
wso2User.id = WSO2_USER

export const userSchema: Types.SchemaDefinition = Schemas.User.definition
  .truncate('entitlements', 'roles', 'x509Certificates')
  .extend(Schemas.EnterpriseUser.definition)
  .extend(wso2User)

/** The schemas of the service, by their names. */
export const schemas: ReadonlyMap<string, Types.SchemaDefinition> = new Map([
  [userSchema.id, userSchema],
  [ENTERPRISE_USER, Schemas.EnterpriseUser.definition],
  [WSO2_USER, wso2User],
])
