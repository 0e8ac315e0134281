// Stands here so that these programs run as they are; every project has its own in its place.
export { passwordGuard as service } from '@preflow/password-guard'
