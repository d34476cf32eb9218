// The page on which a buyer looks after an order. It keeps nothing, and puts nothing into an address.

const SAY = {
  title: ["查询订单", "Find your order"],
  language: ["English", "中文"],
  intro: ["在其他渠道购买的订单也可以在这里查询。", "Orders from our other channels can be looked up here, too."],
  order_no: ["订单号", "Order number"],
  proof: ["用什么证明订单是您的？", "How do you show that it is yours?"],
  phone_last4: ["手机号后四位", "Last four digits of the phone number"],
  card_key: ["收到的卡密", "A card key that you received"],
  send: ["查询", "Look up"],
  limits: [
    "每个订单每天最多尝试 5 次。这里只显示订单状态，不显示卡密。",
    "Five tries per order a day. This page shows how an order stands, never a key.",
  ],
  busy: ["正在查询…", "Looking…"],
  no: [
    "没有找到匹配的订单，或今日尝试次数已用完。请核对后再试，或联系客服。",
    "No order fits, or today's tries are used up. Please check what you entered, or write to us.",
  ],
  failed: ["暂时无法查询，请稍后再试。", "This cannot be looked up right now. Please try again later."],
};

const STATUS = {
  awaiting_payment: ["等待付款", "Waiting for payment"],
  checking_payment: ["正在确认付款", "The payment is being checked"],
  paid: ["已付款，正在配货", "Paid; being prepared"],
  backordered: ["已付款，等待补货", "Paid; waiting for stock"],
  fulfilled: ["已备好，正在发货", "Ready; being delivered"],
  delivered: ["已发货", "Delivered"],
  refund_due: ["退款处理中", "Being refunded"],
  refunded: ["已退款", "Refunded"],
  cancelled: ["已取消", "Cancelled"],
  expired: ["未付款，已关闭", "Closed: it was not paid in time"],
};

const form = document.querySelector("form");
const answer = document.getElementById("answer");
let english = !navigator.language.startsWith("zh");
let told = null;

const say = (pair) => pair[english ? 1 : 0];

function show() {
  document.documentElement.lang = english ? "en" : "zh-CN";
  document.title = say(SAY.title);
  for (const place of document.querySelectorAll("[data-say]")) place.textContent = say(SAY[place.dataset.say]);
  document.getElementById("asked").textContent = say(SAY[form.elements.kind.value]);
  answer.textContent = told ? say(told) : "";
}

function tell(pair) {
  told = pair;
  show();
}

async function ask() {
  const { order_no, kind, value } = form.elements;
  const response = await fetch("/v1/claim", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ order_no: order_no.value.trim(), proof: { [kind.value]: value.value.trim() } }),
  });
  if (!response.ok) return SAY.failed;
  const { matched, status } = await response.json();
  return matched ? STATUS[status] ?? [status, status] : SAY.no;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  tell(SAY.busy);
  tell(await ask().catch(() => SAY.failed));
});
form.addEventListener("change", show);
document.getElementById("language").addEventListener("click", () => {
  english = !english;
  show();
});
show();
