/** What an access token must allow, by what is done with users. */
export const SCIM_USER_SCOPES = {
  create: 'internal_user_mgt_create',
  list: 'internal_user_mgt_list',
  view: 'internal_user_mgt_view',
  update: 'internal_user_mgt_update',
  delete: 'internal_user_mgt_delete',
  /** One's own account. */
  me: 'internal_login',
} as const

/** Of the API in which users look after their passwords, and administrators invite them. */
export const USERS_API_SCOPES = {
  /** Every user may, with a token of the scope or with user name and password. */
  changePassword: 'internal_user_password_update',
  invite: 'internal_offline_invite',
} as const

export const SCIM_SCOPES: readonly string[] = Object.values(SCIM_USER_SCOPES)
