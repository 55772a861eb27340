/** Error names of the papers and of the released Xok, and what takes their place here. */
export const FOREIGN_ERRORS = [
  ["`E_CAP_INSUFF`", "`BadCapability`"],
  ["`E_CAP_INVALID`", "`BadSlot`, or `BadName` for a malformed record"],
  ["`E_SHARE`", "`Busy`"],
  ["`E_BAD_ENV`", "`BadEnvironment`"],
  ["`E_NO_FREE_ENV`, `E_NO_MEM`, `E_QUOTA`", "`Full`"],
  ["`E_INVAL`", "`BadRange`, or the name of what is bad: `BadFrame`, `BadSlice`, `BadFilter` …"],
  ["`E_FAULT`", "`BadWindow`; a throw outside a call is a fault upcall"],
  ["`DPF_OVERLAP`", "`Overlap`"],
  [
    "`E_ACL_INVALID`, `E_IPC_BLOCKED`, `E_MSGRING_FULL`, `XN_…`",
    "none yet: the calls that refuse so do not exist",
  ],
];
