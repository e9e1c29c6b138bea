// Operations that take no Idempotency-Key. Made by clients/generate.py.

export const UNKEYED: readonly (readonly [string, RegExp])[] = [
  ["POST", /^\/api\/v1\/auth\/token$/],
  ["POST", /^\/api\/v1\/auth\/token\/refresh$/],
  ["POST", /^\/api\/v1\/auth\/logout$/],
  ["POST", /^\/api\/v1\/auth\/password-reset$/],
  ["POST", /^\/api\/v1\/auth\/password-reset\/confirm$/],
  ["POST", /^\/api\/v1\/auth\/email-confirmation$/],
  ["POST", /^\/api\/v1\/users\/me\/email-confirmation$/],
  ["POST", /^\/api\/v1\/users\/me\/password$/],
  ["POST", /^\/api\/v1\/users\/[^\/]+\/password-reset$/],
  ["POST", /^\/api\/v1\/orders\/quote$/],
  ["POST", /^\/api\/v1\/orders\/changes$/],
];
export const NOT_REPEATABLE: readonly (readonly [string, RegExp])[] = [
  ["POST", /^\/api\/v1\/auth\/password-reset$/],
  ["POST", /^\/api\/v1\/auth\/password-reset\/confirm$/],
  ["POST", /^\/api\/v1\/auth\/email-confirmation$/],
  ["POST", /^\/api\/v1\/users\/me\/email-confirmation$/],
  ["POST", /^\/api\/v1\/users\/me\/password$/],
  ["POST", /^\/api\/v1\/users\/[^\/]+\/password-reset$/],
];
