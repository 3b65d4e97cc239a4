import { createSign, createVerify, type KeyObject } from 'node:crypto'
import { type KeyPair, nextRsaPair } from './key-pool'

/** How `options` spell the keys: Base64 without lines around it, or PEM; PKCS#8 and SPKI, or PKCS#1. */
export type AlipayKeyForm = 'pkcs8' | 'pkcs1' | 'pkcs8-pem' | 'pkcs1-pem'

/** The keys of both sides: the app and Alipay. */
export interface AlipayKeys {
  app: KeyPair
  alipay: KeyPair
}

const made = new WeakMap<object, AlipayKeys>()

/** The keys of one running emulator, created at first use. */
export function keysOf(settings: object): AlipayKeys {
  const keys = made.get(settings) ?? { app: nextRsaPair(), alipay: nextRsaPair() }
  made.set(settings, keys)
  return keys
}

export function privateKeyAs(form: AlipayKeyForm, key: KeyObject): string {
  return spelt(form, key.export({ type: form.startsWith('pkcs1') ? 'pkcs1' : 'pkcs8', format: 'pem' }))
}

export function publicKeyAs(form: AlipayKeyForm, key: KeyObject): string {
  return spelt(form, key.export({ type: form.startsWith('pkcs1') ? 'pkcs1' : 'spki', format: 'pem' }))
}

function spelt(form: AlipayKeyForm, pem: string | Buffer): string {
  return form.endsWith('-pem') ? String(pem) : String(pem).replace(/-----.*-----|\s/g, '')
}

/** RSASSA-PKCS1-v1_5, Base64. `SHA256` is `sign_type` RSA2, `SHA1` the older RSA. */
export function signed(text: string, key: KeyObject, hash: 'SHA256' | 'SHA1' = 'SHA256'): string {
  return createSign(hash).update(text, 'utf8').sign(key, 'base64')
}

export function isSigned(text: string, sign: string, key: KeyObject): boolean {
  return createVerify('SHA256').update(text, 'utf8').verify(key, sign, 'base64')
}
