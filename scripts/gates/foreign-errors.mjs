/** Error names of the papers and of the released Xok, and what takes their place here. */
export const FOREIGN_ERRORS = [
  ["`E_CAP_INSUFF`", "`BadCapability`"],
  ["`E_CAP_INVALID`", "`BadSlot`, or `BadName` for a malformed record"],
  ["`E_ACL_INVALID`", "`BadGuard`"],
  ["`E_SHARE`", "`Busy`; `Pinned` for a frame that a device, a guard or a predicate still uses"],
  ["`E_BAD_ENV`", "`BadEnvironment`"],
  ["`E_NO_FREE_ENV`, `E_NO_MEM`, `E_QUOTA`", "`Full`"],
  ["`E_INVAL`", "`BadRange`, or the name of what is bad: `BadFrame`, `BadSlice`, `BadFilter` …"],
  ["`E_FAULT`", "`BadWindow`; a throw outside a call is a fault upcall"],
  ["`E_IPC_BLOCKED`", "`Blocked`; `NoEntry` where there is nothing to call, `TooDeep` for too many nested"],
  ["`E_MSGRING_FULL`", "`Full`, from `messageSend`"],
  ["a predicate that does not verify (Xok's `wk`)", "`BadPredicate`"],
  ["`DPF_OVERLAP`", "`Overlap`"],
  ["a capability whose check fails (Aegis)", "`BadToken`"],
  ["`XN_…`", "none yet: templates and the registry of blocks do not exist"],
];
