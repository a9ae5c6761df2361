"""Texts of the simulated portal: names, subjects and descriptions.

Owns words only. They come from the processes of a clinic and of a software maker, in
several languages, with vendors' spam and hostile subjects among them. No code here.
"""

from __future__ import annotations

FIRST = (
    "Ana",
    "Ben",
    "Chloe",
    "David",
    "Elena",
    "Farid",
    "Grace",
    "Hiro",
    "Ines",
    "Jonas",
    "Keiko",
    "Lars",
    "Maria",
    "Noah",
    "Olga",
    "Pablo",
    "Quinn",
    "Rosa",
    "Samir",
    "Tara",
    "Ugo",
    "Vera",
    "Walid",
    "Xenia",
    "Yuki",
    "Zoe",
)
LAST = (
    "Alvarez",
    "Brown",
    "Costa",
    "Dubois",
    "Evans",
    "Fischer",
    "Garcia",
    "Haddad",
    "Ito",
    "Jensen",
    "Kowalski",
    "Lopez",
    "Müller",
    "Nakamura",
    "O'Brien",
    "Petrov",
    "Quiroga",
    "Rossi",
    "Schmidt",
    "Tanaka",
    "Usman",
    "Vargas",
    "Weber",
    "Xu",
    "Yilmaz",
    "Zhang",
)
COMPANIES = (
    "Acme Logistics",
    "Blue Harbor Bank",
    "Cedar Health",
    "Delta Energy",
    "Evergreen Schools",
    "Foxglove Media",
    "Granite Insurance",
    "Helix Labs",
    "Ivory Retail",
    "Juniper Travel",
    "Kestrel Security",
    "Lumen Foods",
    "Maple City Council",
    "Northwind Telecom",
    "Orchid Hotels",
    "Pioneer Motors",
)
INDUSTRIES = ("Healthcare", "Banking", "Education", "Retail", "Telecom", None)
COUNTRIES = ("US", "DE", "FR", "ES", "JP", "BR", "GB", None)

# language -> (subject, description); {n} is a number
PATIENT = {
    "en": (
        ("Prescription refill {n}", "I need a refill of my prescription before Friday. Thanks."),
        ("Refill request", "Please refill my medication, I have only {n} tablets left."),
        ("Cannot log in to the patient portal", "The portal says my password is wrong. Case {n}."),
        ("Cancel my appointment", "I have to cancel my appointment of next week. Visit {n}."),
        ("Portal does not show my lab results", "My lab results {n} are not in the portal."),
        ("Cancellation of my membership", "Please cancel my membership, number {n}."),
    ),
    "es": (
        ("Reposición de receta {n}", "Necesito reponer mi receta antes del viernes."),
        ("No puedo entrar al portal", "El portal del paciente no acepta mi contraseña {n}."),
        ("Cancelar mi cita", "Quisiera cancelar mi cita del lunes, número {n}."),
    ),
    "fr": (
        ("Renouvellement d'ordonnance {n}", "Je souhaite renouveler mon ordonnance."),
        ("Problème avec le portail patient", "Le portail n'affiche pas mes résultats {n}."),
    ),
    "de": (
        ("Rezept {n} verlängern", "Bitte verlängern Sie mein Rezept vor Freitag."),
        ("Termin absagen", "Ich muss meinen Termin {n} leider absagen."),
    ),
    "ar": (
        ("طلب إعادة صرف الوصفة {n}", "أحتاج إلى إعادة صرف الدواء قبل يوم الجمعة."),
        ("إلغاء الموعد", "أرجو إلغاء موعدي رقم {n}."),
    ),
    "ja": (
        ("処方箋の再発行 {n}", "金曜日までに処方箋の再発行をお願いします。"),
        ("予約のキャンセル", "来週の予約{n}をキャンセルしたいです。"),
    ),
}
# Who writes to IT by itself.
MACHINES = ("Workflow Monitor", "Portal Watch", "Nightly Tests", "Feedback Form")

IT = (
    ("Automation failed: sync-appointments #{n}", "Workflow sync-appointments failed at step {n}."),
    ("Automation failed: intake form", "Run {n} of the intake form automation stopped: timeout."),
    ("Portal bug: upload button does nothing", "Steps: open portal, click upload. Build {n}."),
    ("Feature request: export visits as CSV", "Doctors ask for an export of {n} visits a day."),
    ("Test error: e2e booking suite", "TestError in booking_{n}: expected 200, got 502."),
    ("[CI] nightly test failed", "Failed test number {n} in the nightly run. Provider error?"),
)
SOFTWARE = {
    "en": (
        ("Cloud workspace is slow", "Our cloud workspace {n} takes 20 s to load, cloud account."),
        ("Marketplace app does not install", "The marketplace shows an error for app {n}."),
        ("Livechat widget is missing", "Omnichannel: the livechat widget and WhatsApp stopped."),
        ("SSO login fails with SAML", "Authentication through SAML ends in error {n}; LDAP works."),
        ("Webhook integration returns 500", "The integration with Jira and our app fails, id {n}."),
        ("Import from Slack stops", "Data import of {n} users stops; export works fine."),
        ("Scaling to {n} users", "Which microservices setup gives scalability for {n} users?"),
        ("Docker upgrade to {n}.1", "After the docker deployment the server does not start."),
        ("Permission for guests", "Which role settings allow guests to read channel {n}?"),
        ("GDPR deletion request", "Please handle our deletion request, privacy matter {n}."),
        ("Compliance audit log", "Auditors ask for the compliance export {n} (HIPAA)."),
        ("Threads and mentions", "Team collaboration: mentions in thread {n} get lost."),
        ("Workspace administration", "The admin cannot deactivate user {n}."),
        ("Jitsi video conference drops", "Video conferencing with Jitsi ends after {n} minutes."),
        ("Mobile app crashes", "The React Native app crashes on iOS {n}, push notification too."),
        ("REST API pagination", "The backend API returns page {n} twice in the frontend."),
        ("Electron client does not start", "Desktop client (Electron) version {n} stays white."),
        ("Button layout in dark mode", "UX: the button is invisible in dark mode, bad experience."),
        ("Documentation is missing", "The documentation does not explain setting {n}, no docs."),
        ("Bug: message is sent twice", "It is a bug: the message appears twice, error {n}."),
        ("Consulting offer", "We look for consulting to plan a rollout to {n} offices."),
        ("Pricing for {n} seats", "Please send a quote, sales question about licensing."),
        ("Cancel subscription", "Please cancel our subscription and refund invoice {n}, billing."),
        ("Database export", "We need a database export of workspace {n}."),
        ("Self-hosted registration", "Registration of the self-hosted server {n} fails."),
        ("Connectivity services", "Connectivity services stopped after {n} push messages."),
    ),
    "de": (
        ("Anmeldung mit SAML schlägt fehl", "Die Anmeldung endet mit Fehler {n}."),
        ("Rechnung {n}", "Bitte senden Sie uns die Rechnung noch einmal, billing."),
    ),
    "fr": (
        ("Erreur du bot Omnichannel", "Le livechat ne répond plus depuis la version {n}."),
        ("Installation docker", "Le déploiement docker échoue à l'étape {n}."),
    ),
    "es": (("Exportar la base de datos", "Necesitamos un database export del espacio {n}."),),
    "ja": (("モバイルアプリが落ちる", "mobile アプリのバージョン {n} が落ちます。"),),
    "ar": (("مشكلة في تسجيل الدخول", "لا يعمل تسجيل الدخول SSO منذ التحديث {n}."),),
}
SPAM = (
    (
        "Is your Trustpilot actively managed?",
        "We get you 5 star reviews. Reply or unsubscribe here. Offer {n}.",
    ),
    ("Boost your SEO ranking today", "Rank first on the search page {n} times. Opt-out any time."),
    ("Guest post on your blog?", "We pay {n} dollars a link. To opt out, reply unsubscribe."),
    ("Cheap web design for your clinic", "Our team of {n} designers. Unsubscribe: click here."),
)
SPAM_DOMAINS = ("best-reviews.top", "seo-agency.xyz", "growth-hackers.top", "linkfarm.xyz")
HOSTILE = (
    ("<script>alert('x')</script><b>Help</b>", "<img src=x onerror=alert(1)> see <a href=#>me</a>"),
    ("\x1b[31mURGENT\x1b[0m\x1b]0;owned\x07 terminal", "\x1b[2J\x1b[1;1Hnothing to see"),
    ('=HYPERLINK("http://evil.example","Invoice")', "+1+1\n-1\n@SUM(A1:A9)"),
    ("invoice\u202egpj.exe", "name is written right to left \u202eabc\u202c"),
    ("👩‍⚕️🚑 Hilfe 🆘 ﷽ Z͑ͫ̓a̴l̷g̈o", "emoji and combining marks 🧪🧬 {n}"),
    ("Robert'); DROP TABLE tickets;--", "quote ' and \" and \\ and %s and {x} and NULL"),
    ("Very long subject " + "long " * 196, "short text"),
    ("(no description)", None),
    ("   ", ""),
    ("null", "undefined\tNaN\r\nnull"),
    ("Ａｃｃｏｕｎｔ ﬁx İstanbul straße", "full width, ligature, dotted capital I, sharp s"),
)
TAGS = (
    "Cloud Service",
    "Marketplace",
    "Omnichannel",
    "Authentication",
    "Bug",
    "billing",
    "refund",
    "licensing",
    "Sales Related Question",
    "Deployment",
    "vip",
    "follow-up",
)
