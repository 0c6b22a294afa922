/**
 * `node:http`, without what it drags along: an ESM import of it evaluates every export, and among them are the WebSocket
 * classes, whose getters load undici: 60 ms and 16 MB in each of our processes. Types come from 'node:http' as always.
 */
export const { Agent, STATUS_CODES, createServer, request } = process.getBuiltinModule('node:http');
