// Every text, in Chinese and English. Sentences of events and titles of errors come from the server.

const WORDS = {
  page: {
    zone: ["北京时间 UTC+8", "Beijing time, UTC+8"],
    loading: ["加载中…", "Loading…"],
    more: ["更多", "More"],
    empty: ["还没有内容", "Nothing here yet"],
  },
  nav: {
    overview: ["总览", "Overview"],
    stock: ["库存配额", "Stock and quotas"],
    orders: ["订单", "Orders"],
    inbox: ["收件箱", "Inbox"],
    order: ["订单时光机", "Order time machine"],
  },
  live: {
    connecting: ["连接中…", "Connecting…"],
    live: ["实时", "Live"],
    cut: ["重连中…", "Reconnecting…"],
  },
  sign: {
    title: ["登录控制台", "Sign in"],
    token: ["管理令牌", "Admin token"],
    where: ["令牌是数据目录里 admin.token 文件的内容，位置见运行 kami 的终端。它只留在本标签页。", "The content of the file admin.token in the data directory; the terminal that runs kami says where. It stays in this tab."],
    wrong: ["令牌无效，请复制 admin.token 的全部内容。", "Not a valid token. Copy the whole of admin.token."],
    ended: ["令牌已失效，请重新登录。", "The token has ended. Sign in again."],
    out: ["退出", "Sign out"],
  },
  error: {
    again: ["重试", "Try again"],
    offline: ["连不上服务器", "The server cannot be reached"],
    see: ["请确认 kami 仍在运行，然后重试。", "See that kami still runs, then try again."],
  },
  tape: {
    title: ["实时动态", "Live tape"],
    all: ["含技术步骤", "With technical steps"],
    pill: ["{n} 条新事件", "{n} new"],
    advice: ["每件事都会在这里写成一句话。运行 kami demo 看一家热闹的店。", "All that happens appears here in sentences. Run kami demo for a busy shop."],
  },
  tile: {
    orders: ["今日下单", "Orders today"],
    net: ["今日净额", "Net today"],
    waiting: ["缺货等待", "Waiting for stock"],
    messages: ["今日拒收 / 暂存", "Refused / parked today"],
    paid: ["已付款 {n} · {day} UTC+8", "{n} paid · {day} UTC+8"],
    net_is: ["今日订单：已付 − 已退", "Today's orders: paid − refunded"],
    wait: ["补货后先到先得", "Served in turn after an import"],
    messages_are: ["未通过校验 / 未知类型", "Not verified / unknown kind"],
  },
  strip: {
    title: ["各渠道今日", "Channels today"],
    orders: ["{n} 单", "{n} orders"],
    advice: ["用 POST /v1/channels 接入一个，说明见 /docs。", "Connect one with POST /v1/channels; see /docs."],
    suspended: ["已暂停", "suspended"],
  },
  stock: {
    as_of: ["截至位置 #{pos}", "As of position #{pos}"],
    sellable: ["全店可售", "Sellable in all"],
    reserved: ["预留 {n}", "{n} reserved"],
    quarantined: ["隔离 {n}", "{n} quarantined"],
    floor: ["保底剩 {n}", "floor {n} left"],
    cap: ["上限剩 {n}", "cap {n} left"],
    sold: ["已售 {n}", "{n} sold"],
    shared: ["共享库存", "shared stock"],
    none: ["售罄", "sold out"],
    say: ["{account} 现在可售 {n} 件 {sku}：{notes}。", "{account} may sell {n} of {sku} now: {notes}."],
    held: ["未付占用 {n}", "{n} held unpaid"],
    legend: ["! 为 {few} 件以下，× 为售罄。指向或聚焦一格看解释，点开看订单。", "! is {few} or fewer, × is none. Point at a cell or focus it to have it explained; open it for its orders."],
    advice: ["用 PUT /v1/skus/{sku} 定义商品，再用 kami import-keys 导入卡密。", "Define one with PUT /v1/skus/{sku}, then import keys with kami import-keys."],
  },
  find: {
    hint: ["我方单号、渠道:单号、单号、手机号或卡密", "Our id, channel:number, number, phone or card key"],
    go: ["查找", "Find"],
    none: ["没有找到", "Nothing found"],
    our_id: ["我方单号", "our id"],
    order_no: ["渠道单号", "order number"],
    order_no_prefix: ["单号开头", "start of the number"],
    card_key: ["卡密", "card key"],
    buyer: ["买家", "buyer"],
    advice: ["试试完整单号，或写成 渠道:单号，如 generic:OW-1001。", "Try the whole number, or channel:number such as generic:OW-1001."],
  },
  filter: {
    all: ["全部", "All"],
    status: ["状态", "Status"],
    account: ["渠道账号", "Account"],
    verdict: ["判定", "Verdict"],
    advice: ["放宽上面的筛选条件。", "Widen the filter above."],
  },
  orders: {
    advice: ["渠道的第一单会出现在这里；kami demo 会造出一个月的订单。", "The first order of a channel appears here; kami demo makes a month of them."],
  },
  order: {
    state: ["此刻的订单", "The order then"],
    history: ["经过", "History"],
    slider: ["时间游标", "Moment"],
    back: ["上一事件 (K)", "Event before (K)"],
    forth: ["下一事件 (J)", "Next event (J)"],
    raw: ["原始 JSON", "Raw JSON"],
    step: ["第 {n} / {of} 个事件", "Event {n} of {of}"],
    gap: ["{span} 无动静", "{span} nothing"],
    recorded: ["我方记录", "recorded"],
    occurred: ["对方发生", "occurred"],
    cause: ["起因 #{pos}", "caused by #{pos}"],
    message: ["原始消息", "message"],
    changed: ["变更", "changed"],
    more: ["另有 {n} 处变更", "{n} more changes"],
    not_yet: ["此刻订单尚不存在", "The order did not exist yet"],
  },
  step: {
    place: ["下单", "Placing"],
    pay: ["支付", "Payment"],
    allocate: ["配货", "Allocation"],
    deliver: ["发卡", "Delivery"],
    after: ["售后", "After sale"],
    size: ["大小检查", "size"],
    signature: ["签名校验", "signature"],
    time: ["时间戳检查", "time stamp"],
    format: ["格式解析", "format"],
    meaning: ["内容解析", "meaning"],
  },
  actor: {
    channel: ["渠道 {name}", "channel {name}"],
    staff: ["人员 {name}", "staff {name}"],
    process: ["流程 {name}", "process {name}"],
    timer: ["定时器 {name}", "timer {name}"],
  },
  field: {
    status: ["状态", "Status"],
    external_no: ["渠道单号", "Number"],
    account: ["渠道账号", "Account"],
    order: ["我方单号", "Our id"],
    buyer: ["买家", "Buyer"],
    lines: ["明细", "Lines"],
    total_fen: ["订单金额", "Total"],
    paid_fen: ["已付", "Paid"],
    refund_due_fen: ["应退", "Refund due"],
    refunded_fen: ["已退", "Refunded"],
    loss_fen: ["损失", "Loss"],
    refunds: ["退款", "Refunds"],
    replaced: ["已换卡密", "Replaced keys"],
    is_held: ["暂扣", "On hold"],
    is_past: ["历史订单", "Taken over"],
    is_delivery_failed: ["发货失败", "Delivery failed"],
    placed_at: ["下单时间", "Placed"],
    reserved_until: ["预留至", "Reserved until"],
    paid_at: ["付款时间", "Paid at"],
    backordered_until: ["等货至", "Waits until"],
    delivered_at: ["发货时间", "Delivered"],
    refunded_at: ["退款时间", "Refunded at"],
    closed_at: ["关闭时间", "Closed"],
    keys: ["卡密", "Keys"],
    no_key: ["未配卡密", "no key yet"],
    is_waiting: ["等货", "Waiting"],
  },
  refund: {
    requested: ["申请中", "asked for"],
    refused: ["未通过", "turned down"],
    due: ["应退", "due"],
    stuck: ["需人工处理", "needs a person"],
    settled: ["已退", "settled"],
  },
  status: {
    unknown: ["未知", "Unknown"],
    awaiting_payment: ["待付款", "Awaiting payment"],
    checking_payment: ["核实付款", "Checking payment"],
    paid: ["已付款", "Paid"],
    backordered: ["缺货等待", "Waiting for stock"],
    fulfilled: ["已配货", "Fulfilled"],
    delivered: ["已发货", "Delivered"],
    refund_due: ["待退款", "Refund due"],
    refunded: ["已退款", "Refunded"],
    cancelled: ["已取消", "Cancelled"],
    expired: ["已过期", "Expired"],
  },
  verdict: {
    accepted: ["已受理", "Accepted"],
    rejected: ["业务拒绝", "Rejected"],
    refused: ["拒收", "Refused"],
    parked: ["暂存", "Parked"],
    conflict: ["冲突", "Conflict"],
  },
  inbox: {
    parked: ["类型未知，留待处理", "Of an unknown kind, kept"],
    failed: ["停在{step}：{code}", "Failed at {step}: {code}"],
    received: ["收到时间", "Received"],
    key: ["幂等键", "Idempotency key"],
    events: ["引起的事件", "Events it caused"],
    nothing: ["无事件", "no event"],
    raw: ["原始请求（可能含个人信息）", "Raw request (may hold personal data)"],
    advice: ["渠道的每个请求都会原样留在这里。把回调地址设为 /v1/in/渠道/店铺。", "Every request of a channel is kept here. Point call-backs at /v1/in/channel/shop."],
    again: ["刷新", "Refresh"],
  },
};

const KEY = "kami.language";
let now = localStorage.getItem(KEY) === "en" ? "en" : "zh";

/** `zh` or `en`. */
export const language = () => now;
export function setLanguage(wanted) {
  now = wanted;
  localStorage.setItem(KEY, wanted);
}

/** A text by `group.name` with `{name}` filled in, or something else where there is none. */
export function tOr(key, other, values = {}) {
  const [group, name] = key.split(".");
  const text = WORDS[group]?.[name]?.[now === "zh" ? 0 : 1] ?? other;
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}
export const t = (key, values) => tOr(key, key, values);
